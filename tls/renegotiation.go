package tls

import (
	"crypto/rand"

	utls "github.com/refraction-networking/utls"
)

// A renegotiationInfo is renegotiation_info (RFC 5746), also of the second hello of a
// connection. uTLS makes that one from the first, with the same random: here it gets
// a new one, at the one place that uTLS passes before it writes the hello.
type renegotiationInfo struct {
	utls.RenegotiationInfoExtension
	conn *utls.UConn
	last string // verify data of the handshake before
}

// mayRenegotiate lets the server ask for another handshake, as Chromium does before it
// knows the protocol: see forbidRenegotiation.
func mayRenegotiate(u *utls.UConn) {
	for _, e := range u.Extensions {
		if info, ok := e.(*renegotiationInfo); ok {
			info.conn, info.Renegotiation = u, utls.RenegotiateFreelyAsClient
		}
	}
}

// forbidRenegotiation is for all but HTTP/1.1, where the server does not ask between
// a request and its response (RFC 9113 section 9.2.1), and for TLS 1.3, which has none:
// keys are exported only where it is forbidden.
func forbidRenegotiation(cfg *utls.Config) { cfg.Renegotiation = utls.RenegotiateNever }

// Len is asked for before anything of the hello is written.
func (e *renegotiationInfo) Len() int {
	if now := string(e.RenegotiatedConnection); now != e.last {
		e.last = now
		random := make([]byte, 32)
		_, _ = rand.Read(random)
		e.conn.HandshakeState.Hello.Random = random
	}
	return e.RenegotiationInfoExtension.Len()
}
