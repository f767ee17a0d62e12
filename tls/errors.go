package tls

import (
	"errors"
	"net"
	"strings"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/neterr"
)

// wrapError names a failed handshake, unless the cause has its name already, as a
// refused certificate has.
func wrapError(op, addr string, err error) error {
	var named *neterr.Error
	if errors.As(err, &named) {
		return err
	}
	return &neterr.Error{Code: codeOf(err), Op: op, Addr: addr, Err: err}
}

// isTLS reports whether an error is TLS's own and not of the connection below.
func isTLS(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error") ||
		strings.HasPrefix(err.Error(), "tls: ")
}

// codeOf gives an error of uTLS its code, as Chromium does (MapOpenSSLErrorSSL).
func codeOf(err error) neterr.Code {
	if errors.Is(err, errHandshakeTimeout) {
		return neterr.TimedOut
	}
	var op *net.OpError
	if errors.As(err, &op) {
		switch op.Op {
		case "remote error":
			return alertCode(op.Err)
		case "local error":
			return neterr.SSLProtocolError
		}
	}
	for _, l := range localErrors {
		if strings.HasPrefix(err.Error(), l.prefix) {
			return l.code
		}
	}
	if code := neterr.CodeOf(neterr.From(err)); code != neterr.Failed {
		return code
	}
	return neterr.SSLProtocolError
}

// alertCode names an alert that the server sent (RFC 8446 section 6.2). uTLS keeps
// the type of a received alert to itself, but it has the text of the exported one.
func alertCode(err error) neterr.Code {
	for _, a := range alerts {
		if err.Error() == a.alert.Error() {
			return a.code
		}
	}
	return neterr.SSLProtocolError
}

// isAlert reports whether the server sent that alert.
func isAlert(err error, a utls.AlertError) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && op.Err.Error() == a.Error()
}

func isUnusableSession(err error) bool {
	return strings.HasPrefix(err.Error(), "uTLS does not support reprocessing of PSK")
}

const (
	alertHandshakeFailure utls.AlertError = 40
	alertAccessDenied     utls.AlertError = 49
)

var alerts = [...]struct {
	alert utls.AlertError
	code  neterr.Code
}{
	{20, neterr.SSLBadRecordMACAlert},
	{30, neterr.SSLDecompressionFailureAlert},
	{alertHandshakeFailure, neterr.SSLVersionOrCipherMismatch},
	{70, neterr.SSLVersionOrCipherMismatch}, // protocol_version
	{71, neterr.SSLVersionOrCipherMismatch}, // insufficient_security
	{51, neterr.SSLDecryptErrorAlert},
	{112, neterr.SSLUnrecognizedNameAlert},

	// About a certificate, so about ours.
	{42, neterr.BadSSLClientAuthCert}, // bad_certificate
	{43, neterr.BadSSLClientAuthCert}, // unsupported_certificate
	{44, neterr.BadSSLClientAuthCert}, // certificate_revoked
	{45, neterr.BadSSLClientAuthCert}, // certificate_expired
	{46, neterr.BadSSLClientAuthCert}, // certificate_unknown
	{48, neterr.BadSSLClientAuthCert}, // unknown_ca
	{alertAccessDenied, neterr.BadSSLClientAuthCert},
	{116, neterr.BadSSLClientAuthCert}, // certificate_required
}

// localErrors are failures that uTLS tells apart by text alone.
var localErrors = [...]struct {
	prefix string
	code   neterr.Code
}{
	{"tls: server selected unsupported protocol version", neterr.SSLVersionOrCipherMismatch},
	{"tls: downgrade attempt detected", neterr.TLS13DowngradeDetected},
	{"tls: failed to parse certificate from server", neterr.SSLServerCertBadFormat},
	{"tls: server's identity changed during renegotiation", neterr.SSLServerCertChanged},
}
