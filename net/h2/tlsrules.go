package h2

import (
	"fmt"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// checkTLS holds RFC 9113 section 9.2: TLS 1.2 at least, and with 1.2 none of the
// prohibited suites. What is left of the suites are those with an ephemeral key
// exchange and an AEAD cipher, of which these are the ones a client of ours can have
// offered.
func checkTLS(s *exchange.TLSState) error {
	const tls12, tls13 = 0x0303, 0x0304
	if s == nil || s.Version >= tls13 {
		return nil
	}
	if s.Version == tls12 {
		switch s.CipherSuite {
		case 0xc02b, 0xc02c, 0xc02f, 0xc030, // ECDHE with AES-GCM
			0xcca8, 0xcca9, 0xccaa, // ECDHE and DHE with ChaCha20-Poly1305
			0x009e, 0x009f: // DHE with AES-GCM
			return nil
		}
	}
	return &neterr.Error{
		Code: neterr.HTTP2InadequateTransportSecurity, Op: "http/2",
		Err: fmt.Errorf("version %#04x, cipher suite %#04x", s.Version, s.CipherSuite),
	}
}
