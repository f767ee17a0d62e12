package tls

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	mathrand "math/rand/v2"
	"slices"
	"strings"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/profile"
)

// An ECHRejectedError says that a server, which proved to be the public name of the
// Encrypted ClientHello configuration, does not know that configuration. It is the
// cause of a neterr.ECHNotNegotiated. One more connection may be made, with
// RetryConfigList in [Request.ECHConfigList] (RFC 9849 section 6.1.6).
type ECHRejectedError struct {
	RetryConfigList []byte // empty: the server does without
}

func (e *ECHRejectedError) Error() string { return "the server does not accept Encrypted ClientHello" }

var errNoECHSlot = errors.New("the profile has no place for Encrypted ClientHello")

// ech makes encrypted_client_hello: for uTLS to fill in, or one that a server without
// ECH cannot tell from that (RFC 9849 section 6.2).
func (m *helloMaker) ech(in *ingredients) utls.TLSExtension {
	if in.realECH {
		return &utls.GREASEEncryptedClientHelloExtension{EncapsulatedKey: in.keys.ech}
	}
	if in.keys == nil || len(m.tls.ECHPayloads) == 0 {
		return &utls.GenericExtension{Id: profile.ExtEncryptedClientHello}
	}
	const fixed = 1 + 2 + 2 + 1 // outer, HKDF-SHA256, AES-128-GCM, configuration
	payload := m.tls.ECHPayloads[mathrand.N(len(m.tls.ECHPayloads))]
	b := make([]byte, 0, fixed+2+len(in.keys.ech)+2+payload)
	var id [1]byte
	_, _ = rand.Read(id[:])
	b = append(b, 0, 0, 1, 0, 1, id[0])
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(in.keys.ech))), in.keys.ech...)
	b = binary.BigEndian.AppendUint16(b, uint16(payload))
	_, _ = rand.Read(b[len(b):cap(b)])
	return &utls.GenericExtension{Id: profile.ExtEncryptedClientHello, Data: b[:cap(b)]}
}

// offerECH prepares cfg for real ECH. It refuses a profile without a slot: uTLS would
// send a hello without an end.
func (m *helloMaker) offerECH(cfg *utls.Config, list []byte) error {
	if m.max < utls.VersionTLS13 || !slices.Contains(m.tls.Extensions, profile.ExtEncryptedClientHello) {
		return &neterr.Error{Code: neterr.InvalidArgument, Err: errNoECHSlot}
	}
	cfg.EncryptedClientHelloConfigList = list
	// Whoever answers with less has not seen the inner hello, and nobody has proved yet
	// to be the public name.
	cfg.MinVersion, cfg.MaxVersion = utls.VersionTLS13, utls.VersionTLS13
	return nil
}

// rejected passes on what a server without our configuration said, if it is the public
// name: nothing but the end of the handshake was sent to it.
func (a *attempt) rejected(ctx context.Context, u *utls.UConn, retry []byte) error {
	e := &neterr.Error{
		Code: neterr.ECHNotNegotiated, Op: handshakeOp, Addr: a.req.addr(),
		Err: &ECHRejectedError{RetryConfigList: retry},
	}
	state := u.ConnectionState()
	if err := a.verify(ctx, state.ServerName, &state); err != nil {
		e.Code, e.Err = neterr.ECHFallbackCertificateInvalid, err
	}
	return e
}

// echError names what uTLS says of a configuration list. It reports whether uTLS could
// use none of its well-formed entries: then the hello greases, as a browser's does.
func echError(err error) (grease bool, named error) {
	switch {
	case strings.HasSuffix(err.Error(), "contains no valid configs"):
		return true, nil
	case strings.HasPrefix(err.Error(), "tls: malformed ECHConfig"):
		return false, &neterr.Error{Code: neterr.InvalidECHConfigList, Err: err}
	}
	return false, err
}
