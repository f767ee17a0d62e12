package h3

import (
	"crypto/x509"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// A Config says what a [Conn] must know beyond its QUIC connection.
type Config struct {
	Connect *exchange.ConnectTiming // how the connection was made; shown with its first response
	NetLog  netlog.Source           // what the session belongs to in the log
	Host    string                  // host:port as the log names the session; nothing else uses it

	// Released is called once, on any goroutine, when the QUIC connection has ended: to
	// close the socket that was made for it. nil does nothing.
	Released func()

	// VerifiedChains are what responses tell of the server's certificates where the TLS
	// configuration leaves it to its VerifyConnection to verify them; nil: what crypto/tls
	// says. It is called when the handshake is complete.
	VerifiedChains func() [][]*x509.Certificate

	// IdleTimeout is how long the connection lives without a request; zero is 30 s,
	// negative is for ever. quic-go's keep-alive, which Chromium's sends only while
	// requests are open, would hold it otherwise.
	IdleTimeout time.Duration

	// MaxHeaderBytes limits a response's fields, counted as RFC 9114 section 4.2.2
	// does, 1xx responses and trailers included; zero is 256 KiB.
	MaxHeaderBytes int
}

// What Chromium announces and waits for.
const (
	maxFieldSection = 256 << 10
	streamWindow    = 6 << 20
	connWindow      = 15 << 20
	idleTimeout     = 30 * time.Second
	keepAlive       = 15 * time.Second
	handshakeIdle   = 5 * time.Second
	incomingBidi    = 100
	incomingUni     = 103
)

// QUICConfig returns Chromium's transport parameters and timers, as far as quic-go has
// them.
func QUICConfig() *quic.Config {
	return &quic.Config{
		Versions:                       []quic.Version{quic.Version1},
		HandshakeIdleTimeout:           handshakeIdle,
		MaxIdleTimeout:                 idleTimeout,
		KeepAlivePeriod:                keepAlive,
		InitialStreamReceiveWindow:     streamWindow,
		MaxStreamReceiveWindow:         streamWindow,
		InitialConnectionReceiveWindow: connWindow,
		MaxConnectionReceiveWindow:     connWindow,
		MaxIncomingStreams:             incomingBidi,
		MaxIncomingUniStreams:          incomingUni,
		InitialPacketSize:              1250,
		EnableDatagrams:                true,
	}
}
