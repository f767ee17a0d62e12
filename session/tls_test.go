package session_test

import (
	"context"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// wantCode makes one request and checks how it ends; neterr.OK is well.
func (d door) wantCode(t *testing.T, s *session.Session, url string, want neterr.Code) answer {
	t.Helper()
	a := d.do(t.Context(), s, call{url: url})
	if got := neterr.CodeOf(a.err); got != want {
		t.Errorf("%s: got %v, want %v", d.name, a.err, want)
	}
	return a
}

// again makes the next request need a handshake.
func again(s *session.Session) { s.CloseAllConnections() }

// serveOK answers over TLS as cfg says.
func serveOK(t *testing.T, cfg *stdtls.Config) *nettest.Server {
	return nettest.NewTLSServer(t, cfg, nettest.Respond(okResponse))
}

func TestSetSSLConfig(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	both := serveOK(t, ca.Config("127.0.0.1"))
	old := ca.Config("127.0.0.1")
	old.MaxVersion, old.CipherSuites = stdtls.VersionTLS12, []uint16{stdtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
	oneSuite := serveOK(t, old)
	for _, d := range doors {
		s := newSession(t, trusting(ca))
		set := func(c tls.SSLConfig) {
			t.Helper()
			if err := s.SetSSLConfig(c); err != nil {
				t.Fatal(err)
			}
		}
		d.wantCode(t, s, both.URL(), neterr.OK)
		d.wantCode(t, s, oneSuite.URL(), neterr.OK)
		for _, bad := range []tls.SSLConfig{{MinVersion: "tls2"}, {MinVersion: "tls1.3", MaxVersion: "tls1.2"}} {
			wantError(t, s.SetSSLConfig(bad), neterr.InvalidArgument, "")
		}
		if a := d.wantCode(t, s, both.URL(), neterr.OK); !a.reused {
			t.Errorf("%s: a config that was refused cost a connection", d.name)
		}
		set(tls.SSLConfig{DisabledCipherSuites: []uint16{0xc02b, 0x1301, 0xffff}})
		if a := d.wantCode(t, s, both.URL(), neterr.OK); a.reused {
			t.Errorf("%s: a connection with the old settings served", d.name)
		}
		d.wantCode(t, s, oneSuite.URL(), neterr.SSLVersionOrCipherMismatch)
		set(tls.SSLConfig{MinVersion: "tls1.3"})
		d.wantCode(t, s, oneSuite.URL(), neterr.SSLVersionOrCipherMismatch)
		set(tls.SSLConfig{})
		d.wantCode(t, s, oneSuite.URL(), neterr.OK)
	}
}

// What changes how servers are trusted or spoken to disturbs nothing under way, and no
// later request uses a connection made before.
func TestTLSChangesAreGraceful(t *testing.T) {
	ca := nettest.NewCA()
	v := certverify.New(certverify.Config{Roots: ca.Pool()})
	for _, tt := range []struct {
		name   string
		change func(*session.Session)
	}{
		{"SSL config", func(s *session.Session) { s.SetSSLConfig(tls.SSLConfig{MaxVersion: "tls1.2"}) }},
		{"verify proc", func(s *session.Session) { s.SetCertificateVerifyProc(useDefault) }},
		{"no verify proc", func(s *session.Session) { s.SetCertificateVerifyProc(nil) }},
		{"roots of the program's verifier", func(*session.Session) { v.SetRoots(ca.Pool(), nil) }},
		{"selector", func(s *session.Session) { s.SetClientCertificateSelector(nil) }},
	} {
		for _, d := range doors {
			t.Run(tt.name+" "+d.name, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				cfg := trusting(ca)
				cfg.TLS.Verifier = v
				s := newSession(t, cfg)
				surviveTLS(t, s, d, ca.Config("127.0.0.1"), func() { tt.change(s) })
			})
		}
	}
}

func useDefault(context.Context, *certverify.Request) error { return certverify.UseDefault }

func TestSetCertificateVerifyProc(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	v := certverify.New(certverify.Config{Roots: ca.Pool()})
	good, bad := serveOK(t, ca.Config("127.0.0.1")), serveOK(t, nettest.NewCA().Config("other.test"))
	own := errors.New("not this one")
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			cfg := trusting(ca)
			cfg.TLS.Verifier = v
			s, other := newSession(t, cfg), newSession(t, cfg)
			var asked []certverify.Request
			says := func(err error) certverify.Proc {
				return func(_ context.Context, r *certverify.Request) error {
					asked = append(asked, *r)
					return err
				}
			}
			check := func(when string, wantGood, wantBad neterr.Code) {
				t.Helper()
				for range 2 { // the second verdict is remembered
					again(s)
					d.wantCode(t, s, good.URL(), wantGood)
					d.wantCode(t, s, bad.URL(), wantBad)
				}
				if t.Failed() {
					t.Fatal(when)
				}
			}
			check("without", neterr.OK, neterr.CertAuthorityInvalid)
			s.SetCertificateVerifyProc(says(nil))
			check("accepting", neterr.OK, neterr.OK)
			if len(asked) != 2 {
				t.Fatalf("asked %d times, want once for each server", len(asked))
			}
			r := asked[1]
			if r.Host != "127.0.0.1" || r.ErrorCode != neterr.CertAuthorityInvalid || r.VerificationResult != "net::ERR_CERT_AUTHORITY_INVALID" ||
				r.Certificate.SubjectName != "Kaon test leaf" || r.IsIssuedByKnownRoot || asked[0].VerificationResult != "OK" {
				t.Errorf("asked about %+v", r)
			}
			d.wantCode(t, other, bad.URL(), neterr.CertAuthorityInvalid) // it is another session's Proc
			s.SetCertificateVerifyProc(says(own))
			check("refusing", neterr.Failed, neterr.Failed)
			again(s)
			if a := d.do(t.Context(), s, call{url: good.URL()}); !errors.Is(a.err, own) {
				t.Errorf("got %v, want the program's own reason in it", a.err)
			}
			s.SetCertificateVerifyProc(useDefault)
			check("default", neterr.OK, neterr.CertAuthorityInvalid)
			s.SetCertificateVerifyProc(says(nil))
			check("accepting again", neterr.OK, neterr.OK)
			s.SetCertificateVerifyProc(nil)
			check("restored", neterr.OK, neterr.CertAuthorityInvalid)
			if len(asked) != 6 {
				t.Errorf("asked %d times in all, want once for each server and proc", len(asked))
			}
		})
	}
}

// A Proc of the program's own Verifier judges first, for all sessions over it.
func TestVerifyProcBelow(t *testing.T) {
	ca := nettest.NewCA()
	bad := serveOK(t, nettest.NewCA().Config("127.0.0.1"))
	cfg := trusting(ca)
	s := newSession(t, cfg)
	d := doors[0]
	cfg.TLS.Verifier.SetProc(func(context.Context, *certverify.Request) error { return nil })
	s.SetCertificateVerifyProc(func(_ context.Context, r *certverify.Request) error {
		if r.ErrorCode != neterr.OK {
			t.Errorf("the Proc below accepted, and here it is %v", r.ErrorCode)
		}
		return certverify.UseDefault
	})
	d.wantCode(t, s, bad.URL(), neterr.OK)
	cfg.TLS.Verifier.SetProc(nil)
	s.SetCertificateVerifyProc(nil)
	d.wantCode(t, s, bad.URL(), neterr.CertAuthorityInvalid)
}

// A clerk answers certificate errors and notes them.
type clerk struct {
	mu     sync.Mutex
	accept bool
	asked  []transport.CertificateError
}

func (c *clerk) decide(_ context.Context, e *transport.CertificateError) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, *e)
	return c.accept
}

func (c *clerk) wantAsked(t *testing.T, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.asked) != n {
		t.Errorf("asked %d times, want %d", len(c.asked), n)
	}
}

func TestSetCertificateErrorHandler(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca, stranger := nettest.NewCA(), nettest.NewCA()
	var shown atomic.Pointer[stdtls.Certificate]
	show := func(c stdtls.Certificate) { shown.Store(&c) }
	srv := serveOK(t, &stdtls.Config{
		SessionTicketsDisabled: true, // a resumed session is under the certificate of before
		GetCertificate:         func(*stdtls.ClientHelloInfo) (*stdtls.Certificate, error) { return shown.Load(), nil },
	})
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			cfg := trusting(ca)
			s, other := newSession(t, cfg), newSession(t, cfg)
			c := &clerk{}
			show(stranger.Issue("127.0.0.1"))
			d.wantCode(t, s, srv.URL(), neterr.CertAuthorityInvalid)
			s.SetCertificateErrorHandler(c.decide)
			d.wantCode(t, s, srv.URL()+"/p?q", neterr.CertAuthorityInvalid)
			d.wantCode(t, s, srv.URL(), neterr.CertAuthorityInvalid)
			c.wantAsked(t, 2) // a no is not remembered
			e := c.asked[0]
			want := certverify.NewCertificate([]*x509.Certificate{shown.Load().Leaf, stranger.Certificate()})
			if e.URL != srv.URL()+"/p?q" || e.Code != neterr.CertAuthorityInvalid || len(e.Problems) != 1 ||
				e.Certificate.Fingerprint != want.Fingerprint || e.Certificate.IssuerCert.Fingerprint != want.IssuerCert.Fingerprint {
				t.Errorf("asked about %+v", e)
			}

			c.accept = true
			if a := d.do(t.Context(), s, call{url: srv.URL(), method: "POST", body: "once"}); a.err != nil || a.body != "ok" {
				t.Errorf("accepted: got %q, %v", a.body, a.err)
			}
			again(s)
			s.SetCertificateErrorHandler(nil)
			d.wantCode(t, s, srv.URL(), neterr.OK) // a yes is
			d.wantCode(t, other, srv.URL(), neterr.CertAuthorityInvalid)
			c.wantAsked(t, 3)

			again(s)
			show(stranger.Issue("127.0.0.1"))
			d.wantCode(t, s, srv.URL(), neterr.CertAuthorityInvalid) // it was another certificate
			s.SetCertificateErrorHandler(c.decide)
			d.wantCode(t, s, srv.URL(), neterr.OK)
			c.wantAsked(t, 4)

			again(s)
			show(ca.IssueWith(func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "127.0.0.1"))
			d.wantCode(t, s, srv.URL(), neterr.CertInvalid) // nobody may accept that
			s.SetCertificateVerifyProc(func(context.Context, *certverify.Request) error { return errors.New("no") })
			d.wantCode(t, s, srv.URL(), neterr.Failed) // nor what the program itself refused
			c.wantAsked(t, 4)
		})
	}
}

// Many requests that meet the same refusal at once wait for one answer.
func TestCertificateErrorAskedOnce(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := serveOK(t, nettest.NewCA().Config("127.0.0.1"))
	for _, accept := range []bool{true, false} {
		s := newSession(t, straight(trusting(nettest.NewCA())))
		var asked atomic.Int32
		s.SetCertificateErrorHandler(func(context.Context, *transport.CertificateError) bool {
			// All that connect at once have been refused.
			nettest.Eventually(t, "six handshakes", func() bool { return srv.Accepted() >= 6 })
			asked.Add(1)
			return accept
		})
		errs := make([]error, 30)
		parallel(len(errs), func(i int) { errs[i] = doors[i%2].do(t.Context(), s, call{url: srv.URL()}).err })
		want := neterr.CertAuthorityInvalid
		if accept {
			want = neterr.OK
		}
		for i, err := range errs {
			if neterr.CodeOf(err) != want {
				t.Errorf("accepting %t: request %d: got %v, want %v", accept, i, err, want)
			}
		}
		if n := asked.Load(); accept && n != 1 || n < 1 {
			t.Errorf("accepting %t: asked %d times", accept, n)
		}
	}
}

func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// The request that asks may be given up. Then another one that waits asks, and a yes
// that came nevertheless counts.
func TestCertificateErrorAskerLeaves(t *testing.T) {
	nettest.CheckGoroutines(t)
	srv := serveOK(t, nettest.NewCA().Config("127.0.0.1"))
	s := newSession(t, straight(trusting(nettest.NewCA())))
	first, leave := context.WithCancel(t.Context())
	asking, second := make(chan struct{}), make(chan struct{})
	var asked atomic.Int32
	s.SetCertificateErrorHandler(func(ctx context.Context, _ *transport.CertificateError) bool {
		if asked.Add(1) == 1 {
			close(asking)
			<-ctx.Done()
			return false
		}
		close(second)
		return true
	})
	d := doors[0]
	answers := make(chan error, 2)
	go func() { answers <- d.do(first, s, call{url: srv.URL()}).err }()
	<-asking
	before := srv.Accepted()
	go func() { answers <- d.do(t.Context(), s, call{url: srv.URL()}).err }()
	nettest.Eventually(t, "the second request connects", func() bool { return srv.Accepted() > before })
	leave()
	<-second
	var codes []neterr.Code
	for range 2 {
		codes = append(codes, neterr.CodeOf(<-answers))
	}
	if codes[0]+codes[1] != neterr.Aborted {
		t.Errorf("got %v, want %v and %v", codes, neterr.Aborted, neterr.OK)
	}
}
