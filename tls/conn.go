package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"sync"
	"time"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/tls/certverify"
)

// A Conn is a TLS connection whose handshake is complete and whose server is trusted.
// Like any net.Conn it may be read, written and closed from different goroutines.
//
// Errors of the TLS protocol, an alert from the server among them, are *neterr.Error;
// io.EOF and errors of the connection below come back as they are.
type Conn struct {
	u       *utls.UConn
	wire    *wire
	auth    *clientAuth
	verdict *certverify.Result
	state   stdtls.ConnectionState

	writing sync.Mutex // whose turn it is to write
}

func newConn(u *utls.UConn, wire *wire, auth *clientAuth, verdict *certverify.Result) *Conn {
	s := u.ConnectionState()
	c := &Conn{u: u, wire: wire, auth: auth, verdict: verdict, state: stdtls.ConnectionState{
		Version:                     s.Version,
		HandshakeComplete:           s.HandshakeComplete,
		DidResume:                   s.DidResume,
		CipherSuite:                 s.CipherSuite,
		NegotiatedProtocol:          s.NegotiatedProtocol,
		ServerName:                  s.ServerName,
		PeerCertificates:            s.PeerCertificates,
		VerifiedChains:              verifiedChains(verdict),
		SignedCertificateTimestamps: s.SignedCertificateTimestamps,
		OCSPResponse:                s.OCSPResponse,
		TLSUnique:                   s.TLSUnique,
		ECHAccepted:                 s.ECHAccepted,
	}}
	//lint:ignore SA1019 net/http asks for it
	c.state.NegotiatedProtocolIsMutual = true
	if h := u.HandshakeState.ServerHello; h != nil && s.Version == utls.VersionTLS13 {
		c.state.CurveID = stdtls.CurveID(h.ServerShare.Group)
	}
	return c
}

// verifiedChains is what crypto/tls would say: what the program accepts in spite of a
// problem was not verified.
func verifiedChains(verdict *certverify.Result) [][]*x509.Certificate {
	if len(verdict.Problems) > 0 {
		return nil
	}
	return [][]*x509.Certificate{verdict.Chain}
}

// State returns what was agreed in the first handshake, made once for the connection:
// the caller must not change it. CurveID is not known below TLS 1.3 and stays zero. Its
// ExportKeyingMaterial panics: the function behind it cannot be set from outside
// crypto/tls. Use [Conn.ExportKeyingMaterial].
func (c *Conn) State() *stdtls.ConnectionState { return &c.state }

// Verdict returns what the Verifier found, which was enough for trust: the caller must
// not change it.
func (c *Conn) Verdict() *certverify.Result { return c.verdict }

// CipherSuiteName returns a cipher suite's name as the registry has it, for what State
// says, or its number if it is not known.
func CipherSuiteName(id uint16) string { return stdtls.CipherSuiteName(id) }

// Covers reports whether the server's certificate is for host, too, a DNS name in
// lower case or an IP address; see [certverify.Covers].
func (c *Conn) Covers(host string) bool {
	certs := c.state.PeerCertificates
	return len(certs) > 0 && certverify.Covers(certs[0], host)
}

// ExportKeyingMaterial returns length bytes bound to this connection (RFC 5705, and
// RFC 8446 section 7.5). It fails where the server may renegotiate: below TLS 1.3, over
// anything but HTTP/2.
func (c *Conn) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	s := c.u.ConnectionState()
	return s.ExportKeyingMaterial(label, context, length)
}

// NetConn returns the connection below. Whoever reads or writes it breaks this one.
func (c *Conn) NetConn() net.Conn { return c.wire.Conn }

func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.u.Read(b)
	if err != nil {
		err = c.auth.recordError("tls read", err)
	}
	return n, err
}

// BeforeRead sets a function that Read calls each time before it reads the connection
// below, which may block: no whole record is left then of what came before. It must
// not read c, and is set before the first Read.
func (c *Conn) BeforeRead(f func()) { c.wire.beforeRead = f }

// Through has rw read and write the connection below in its stead: one that knows more
// of it. It is set before the first Read or Write.
func (c *Conn) Through(rw io.ReadWriter) { c.wire.via = rw }

// Write writes b as records of 16 KiB, several of which go out in one write of the
// connection below.
func (c *Conn) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	several := len(b) > maxRecord
	if several {
		c.wire.gather(len(b))
	}
	n, err := c.u.Conn.Write(b) // UConn's own does the same and allocates
	if several {
		n = max(n-c.wire.finish()*maxRecord, 0)
	}
	if err != nil {
		err = c.auth.recordError("tls write", err)
	}
	return n, err
}

// Close says goodbye to the server and closes the connection below.
func (c *Conn) Close() error { return c.u.Close() }

// CloseWrite tells the server that nothing more will be written.
func (c *Conn) CloseWrite() error { return c.u.CloseWrite() }

// LocalAddr returns our end of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.wire.LocalAddr() }

// RemoteAddr returns the other end of the connection below.
func (c *Conn) RemoteAddr() net.Addr { return c.wire.RemoteAddr() }

// SetDeadline sets the deadlines of reads and writes. After a write has timed out the
// connection is broken.
func (c *Conn) SetDeadline(t time.Time) error { return c.u.SetDeadline(t) }

// SetReadDeadline sets the deadline of reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.u.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of writes; see [Conn.SetDeadline].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.u.SetWriteDeadline(t) }
