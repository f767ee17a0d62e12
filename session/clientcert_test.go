package session_test

import (
	"context"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls"
)

// A gatekeeper is a server that wants client certificates of users's and answers with
// whom it met.
type gatekeeper struct {
	*httptest.Server
	ca, users *nettest.CA
	strict    bool
	version   uint16
	http2     bool
}

func (g *gatekeeper) start(t *testing.T) *gatekeeper {
	t.Helper()
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		who := "nobody"
		if len(r.TLS.PeerCertificates) > 0 {
			who = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		io.WriteString(w, who)
	}))
	g.TLS = g.ca.Config("127.0.0.1")
	g.TLS.ClientCAs, g.TLS.MaxVersion = g.users.Pool(), g.version
	g.TLS.ClientAuth = stdtls.VerifyClientCertIfGiven
	if g.strict {
		g.TLS.ClientAuth = stdtls.RequireAndVerifyClientCert
	}
	if g.EnableHTTP2 = g.http2; g.http2 {
		g.TLS.NextProtos = nil
	}
	g.Config.ErrorLog = log.New(io.Discard, "", 0) // refused handshakes would fill it
	g.StartTLS()
	t.Cleanup(g.Close)
	return g
}

// user is somebody whom ca knows.
func user(ca *nettest.CA, name string) *tls.ClientCertificate {
	c := ca.IssueWith(func(x *x509.Certificate) { x.Subject.CommonName = name }, name)
	return &tls.ClientCertificate{Chain: []*x509.Certificate{c.Leaf}, Key: c.PrivateKey.(crypto.Signer)}
}

// A wallet chooses client certificates and counts how often.
type wallet struct {
	cert  *tls.ClientCertificate
	err   error
	asked atomic.Int32
	want  atomic.Pointer[tls.ClientAuthError]
}

func (w *wallet) choose(_ context.Context, want *tls.ClientAuthError) (*tls.ClientCertificate, error) {
	w.asked.Add(1)
	w.want.Store(want)
	return w.cert, w.err
}

func TestSetClientCertificateSelector(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca, users := nettest.NewCA(), nettest.NewCA()
	for _, g := range []*gatekeeper{
		{version: stdtls.VersionTLS12},
		{version: stdtls.VersionTLS13},
		{version: stdtls.VersionTLS13, http2: true},
	} {
		g.ca, g.users, g.strict = ca, users, true
		g.start(t)
		for _, d := range doors {
			t.Run(fmt.Sprintf("%s HTTP/2 %t %s", stdtls.VersionName(g.version), g.http2, d.name), func(t *testing.T) {
				s := newSession(t, trusting(ca))
				d.wantCode(t, s, g.URL, neterr.BadSSLClientAuthCert) // without a selector none is shown
				w := &wallet{cert: user(users, "alice")}
				s.SetClientCertificateSelector(w.choose)
				var answers [30]answer
				parallel(len(answers), func(i int) { answers[i] = d.do(t.Context(), s, call{url: g.URL, method: "POST", body: "once"}) })
				for i, a := range answers {
					if a.err != nil || a.body != "alice" {
						t.Fatalf("request %d: the server met %q, %v; want alice", i, a.body, a.err)
					}
				}
				again(s)
				d.wantCode(t, s, g.URL, neterr.OK)
				if n := w.asked.Load(); n != 1 {
					t.Errorf("asked %d times, want once", n)
				}
				want := w.want.Load()
				if want.Host != "127.0.0.1" || !strings.HasSuffix(g.URL, fmt.Sprint(":", want.Port)) ||
					len(want.Authorities) != 1 || string(want.Authorities[0]) != string(users.Certificate().RawSubject) {
					t.Errorf("asked for %+v", want)
				}

				// Nobody else's connections serve the next user.
				bob := &wallet{cert: user(users, "bob")}
				s.SetClientCertificateSelector(bob.choose)
				if a := d.wantCode(t, s, g.URL, neterr.OK); a.body != "bob" || a.reused {
					t.Errorf("the server met %q, reused %t; want bob, on a new connection", a.body, a.reused)
				}
				stranger := &wallet{cert: user(nettest.NewCA(), "mallory")}
				s.SetClientCertificateSelector(stranger.choose)
				d.wantCode(t, s, g.URL, neterr.BadSSLClientAuthCert)
				d.wantCode(t, s, g.URL, neterr.BadSSLClientAuthCert)
				// More often if a connection is refused before its request is sent.
				if n := stranger.asked.Load(); n < 2 {
					t.Errorf("asked %d times, want again after a choice that did not do", n)
				}
			})
		}
	}
}

func TestClientCertificateOptional(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	g := (&gatekeeper{ca: ca, users: nettest.NewCA()}).start(t)
	for _, d := range doors {
		s := newSession(t, trusting(ca))
		none := &wallet{}
		for _, choose := range []func(context.Context, *tls.ClientAuthError) (*tls.ClientCertificate, error){nil, none.choose} {
			s.SetClientCertificateSelector(choose)
			for range 2 {
				again(s)
				if a := d.wantCode(t, s, g.URL, neterr.OK); a.body != "nobody" {
					t.Errorf("%s: the server met %q, want nobody", d.name, a.body)
				}
			}
		}
		if n := none.asked.Load(); n != 1 {
			t.Errorf("%s: asked %d times, want once: no certificate is a choice", d.name, n)
		}
		s.SetClientCertificateSelector((&wallet{cert: &tls.ClientCertificate{}}).choose)
		d.wantCode(t, s, g.URL, neterr.SSLClientAuthCertBadFormat)
		own := errors.New("nobody is here to ask")
		s.SetClientCertificateSelector((&wallet{err: own}).choose)
		if a := d.wantCode(t, s, g.URL, neterr.SSLClientAuthCertNeeded); !errors.Is(a.err, own) {
			t.Errorf("%s: got %v, want the selector's own error in it", d.name, a.err)
		}
	}
}

// A request without credentials shows no certificate, and nobody is asked.
func TestClientCertificateWithoutCredentials(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca, users := nettest.NewCA(), nettest.NewCA()
	g := (&gatekeeper{ca: ca, users: users}).start(t)
	s := newSession(t, trusting(ca))
	w := &wallet{cert: user(users, "alice")}
	s.SetClientCertificateSelector(w.choose)
	for _, tt := range []struct {
		credentials exchange.Credentials
		want        string
		asked       int32
	}{
		{exchange.Omit, "nobody", 0},
		{exchange.Include, "alice", 1},
		{exchange.Omit, "nobody", 1},
	} {
		resp, err := s.Fetch(t.Context(), g.URL, &fetch.Init{Credentials: tt.credentials})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := resp.Text(); got != tt.want || w.asked.Load() != tt.asked {
			t.Errorf("credentials %v: the server met %q, %v, after %d questions; want %s after %d", tt.credentials, got, err, w.asked.Load(), tt.want, tt.asked)
		}
	}
}

// A key signs as often as it is told to: then its card is pulled out.
type card struct {
	crypto.Signer
	left atomic.Int32
}

var errNoCard = errors.New("no card")

func (c *card) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if c.left.Add(-1) < 0 {
		return nil, errNoCard
	}
	return c.Signer.Sign(rand, digest, opts)
}

// A key that has gone since it was chosen is worth another question; one that never
// worked is an answer.
func TestClientCertificateKeyGone(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca, users := nettest.NewCA(), nettest.NewCA()
	g := (&gatekeeper{ca: ca, users: users, strict: true}).start(t)
	g.TLS.SessionTicketsDisabled = true
	for _, d := range doors {
		s := newSession(t, trusting(ca))
		key := &card{}
		w := &wallet{cert: user(users, "alice")}
		key.Signer, w.cert.Key = w.cert.Key, key
		s.SetClientCertificateSelector(w.choose)

		if a := d.wantCode(t, s, g.URL, neterr.SSLClientAuthSignatureFailed); !errors.Is(a.err, errNoCard) {
			t.Errorf("%s: got %v, want the key's own error in it", d.name, a.err)
		}
		key.left.Store(1)
		d.wantCode(t, s, g.URL, neterr.OK)
		again(s)
		w.cert = user(users, "bob") // who answers when alice's card is missed
		if a := d.wantCode(t, s, g.URL, neterr.OK); a.body != "bob" {
			t.Errorf("%s: the server met %q, want bob", d.name, a.body)
		}
		if n := w.asked.Load(); n != 3 {
			t.Errorf("%s: asked %d times, want 3", d.name, n)
		}
	}
}
