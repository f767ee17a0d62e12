package h3

import (
	"context"
	stdtls "crypto/tls"
	"net"

	"github.com/quic-go/quic-go"
)

// Dial makes a QUIC connection over socket, which is connected to the server, and
// returns a Conn that speaks over it. Both are the Conn's from then on, also if Dial
// fails. tls must offer "h3".
//
// With a session of an earlier connection in tls Dial returns before the server has
// answered, and safe requests go out in 0-RTT; else when the handshake is complete. That
// takes 10 seconds at most, and 5 without a word from the server, as in Chromium. An
// error is a *neterr.Error; neterr.QUICHandshakeFailed says that TCP may do better.
func Dial(ctx context.Context, socket *net.UDPConn, tls *stdtls.Config, cfg Config) (*Conn, error) {
	tr := &quic.Transport{Conn: connected{socket}, ConnectionIDGenerator: noConnectionIDs{}}
	released := cfg.Released
	cfg.Released = func() {
		tr.Close()
		socket.Close()
		if released != nil {
			released()
		}
	}
	qc, err := tr.DialEarly(ctx, socket.RemoteAddr(), tls, QUICConfig())
	if err != nil {
		cfg.Released()
		if ctx.Err() != nil {
			err = canceled(ctx)
		}
		return nil, failure(err, socket.RemoteAddr().String(), false)
	}
	return NewConn(ctx, qc, cfg)
}

// A connected socket is what Chromium's are: the system drops what comes from elsewhere,
// says when nobody listens there, and looks the route up once. quic-go names the address
// with each packet, which such a socket does not take.
type connected struct{ *net.UDPConn }

func (c connected) WriteTo(b []byte, _ net.Addr) (int, error) { return c.Write(b) }

func (c connected) WriteMsgUDP(b, oob []byte, _ *net.UDPAddr) (n, oobn int, err error) {
	return c.UDPConn.WriteMsgUDP(b, oob, nil)
}

// noConnectionIDs are what the server puts into its packets: with a socket for each
// connection there is nothing to tell apart, and Chromium has none either.
type noConnectionIDs struct{}

func (noConnectionIDs) GenerateConnectionID() (quic.ConnectionID, error) {
	return quic.ConnectionID{}, nil
}

func (noConnectionIDs) ConnectionIDLen() int { return 0 }
