package tls

import (
	stdtls "crypto/tls"
	"crypto/x509"
	"net"
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
	u     *utls.UConn
	raw   net.Conn
	addr  string
	state stdtls.ConnectionState
}

func newConn(u *utls.UConn, raw net.Conn, addr string, verdict *certverify.Result) *Conn {
	s := u.ConnectionState()
	c := &Conn{u: u, raw: raw, addr: addr, state: stdtls.ConnectionState{
		Version:                     s.Version,
		HandshakeComplete:           s.HandshakeComplete,
		DidResume:                   s.DidResume,
		CipherSuite:                 s.CipherSuite,
		NegotiatedProtocol:          s.NegotiatedProtocol,
		ServerName:                  s.ServerName,
		PeerCertificates:            s.PeerCertificates,
		VerifiedChains:              [][]*x509.Certificate{verdict.Chain},
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

// State returns what was agreed, made once for the connection: the caller must not
// change it. CurveID is not known below TLS 1.3 and stays zero. Its ExportKeyingMaterial panics: the function behind it cannot be set from
// outside crypto/tls. Use [Conn.ExportKeyingMaterial].
func (c *Conn) State() *stdtls.ConnectionState { return &c.state }

// ExportKeyingMaterial returns length bytes bound to this connection (RFC 5705, and
// RFC 8446 section 7.5).
func (c *Conn) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	s := c.u.ConnectionState()
	return s.ExportKeyingMaterial(label, context, length)
}

// NetConn returns the connection below. Whoever reads or writes it breaks this one.
func (c *Conn) NetConn() net.Conn { return c.raw }

func (c *Conn) Read(b []byte) (int, error) {
	n, err := c.u.Read(b)
	if err != nil {
		err = wrapRecordError("tls read", c.addr, err)
	}
	return n, err
}

func (c *Conn) Write(b []byte) (int, error) {
	n, err := c.u.Write(b)
	if err != nil {
		err = wrapRecordError("tls write", c.addr, err)
	}
	return n, err
}

// Close says goodbye to the server and closes the connection below.
func (c *Conn) Close() error { return c.u.Close() }

// CloseWrite tells the server that nothing more will be written.
func (c *Conn) CloseWrite() error { return c.u.CloseWrite() }

// LocalAddr returns our end of the connection below.
func (c *Conn) LocalAddr() net.Addr { return c.raw.LocalAddr() }

// RemoteAddr returns the other end of the connection below.
func (c *Conn) RemoteAddr() net.Addr { return c.raw.RemoteAddr() }

// SetDeadline sets the deadlines of reads and writes. After a write has timed out the
// connection is broken.
func (c *Conn) SetDeadline(t time.Time) error { return c.u.SetDeadline(t) }

// SetReadDeadline sets the deadline of reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.u.SetReadDeadline(t) }

// SetWriteDeadline sets the deadline of writes; see [Conn.SetDeadline].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.u.SetWriteDeadline(t) }
