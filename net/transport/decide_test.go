package transport_test

import (
	"context"
	stdtls "crypto/tls"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
)

// TestDecisionsEnd: a server that shows another certificate each time does not have the
// program asked for ever.
func TestDecisionsEnd(t *testing.T) {
	tr := start(t, transport.Config{TLS: trusting(t, nettest.NewCA())})
	stranger := nettest.NewCA()
	srv := nettest.NewTLSServer(t, &stdtls.Config{GetCertificate: func(*stdtls.ClientHelloInfo) (*stdtls.Certificate, error) {
		c := stranger.Issue("127.0.0.1")
		return &c, nil
	}}, nettest.Respond(ok))
	var asked atomic.Int32
	tr.SetCertificateErrorHandler(func(context.Context, *transport.CertificateError) bool { asked.Add(1); return true })
	_, err := tr.RoundTrip(t.Context(), get(t, srv))
	if neterr.CodeOf(err) != neterr.TooManyRetries || asked.Load() != 33 {
		t.Errorf("got %v after %d questions, want %v after 33", err, asked.Load(), neterr.TooManyRetries)
	}
}
