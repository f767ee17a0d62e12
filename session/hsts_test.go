package session_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/tls/certverify"
)

// secured is the URL at a host that then requires https for a minute.
func secured(at string) string {
	return at + "/head?" + url.Values{"Strict-Transport-Security": {"max-age=60; includeSubDomains"}}.Encode()
}

func TestHSTS(t *testing.T) {
	w := newWeb(t)
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			s := newSession(t, w.cfg)
			ask := func(c call) []string {
				t.Helper()
				w.take()
				if x := d.do(t.Context(), s, c); x.err != nil {
					t.Fatal(x.err)
				}
				return w.take()
			}
			ask(call{url: secured("http://b.test")}) // not believed: anybody can say that
			ask(call{url: secured("https://a.test")})
			ask(call{url: set("https://a.test", "secure=1; Secure")})
			for _, tt := range []struct {
				name string
				call call
				want []string
			}{
				{"unencrypted", call{url: "http://b.test/"}, []string{"http://b.test/: "}},
				{"upgraded before cookies are chosen", call{url: "http://a.test/"}, []string{"https://a.test/: secure=1"}},
				{"port 80", call{url: "http://a.test:80/"}, []string{"https://a.test/: secure=1"}},
				{"sub-domain", call{url: "http://deep.a.test/"}, []string{"https://deep.a.test/: "}},
				{"on the way", call{url: via("http://b.test", "http://a.test/")}, []string{"http://b.test/go: ", "https://a.test/: "}},
				{"bypassed", call{url: "http://a.test/", flags: exchange.ShouldBypassHSTS}, []string{"http://a.test/: "}},
			} {
				if got := ask(tt.call); !slices.Equal(got, tt.want) {
					t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
				}
			}
			// The method and the body stay.
			x := d.do(t.Context(), s, call{method: "POST", url: "http://a.test/", body: "upload", replay: true})
			if x.err != nil || x.body != "secure=1upload" {
				t.Errorf("POST: got %q, %v", x.body, x.err)
			}
			ask(call{url: "https://a.test/head?Strict-Transport-Security=max-age=0"})
			if got, want := ask(call{url: "http://a.test/"}), []string{"http://a.test/: "}; !slices.Equal(got, want) {
				t.Errorf("forgotten: got %q, want %q", got, want)
			}
			s.CloseAllConnections()
		})
	}
}

// TestHSTSRedirect holds what the caller gets to see in place of a server's answer.
func TestHSTSRedirect(t *testing.T) {
	w := newWeb(t)
	cfg := w.cfg
	var err error
	if cfg.HSTS.Preload, err = hsts.ReadPreload(strings.NewReader(`{"entries":[{"name":"a.test","mode":"force-https"}]}`)); err != nil {
		t.Fatal(err)
	}
	s := newSession(t, cfg)
	req, err := http.NewRequest("GET", "http://a.test/x?y", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "http://page.test")
	resp, err := s.RoundTripper().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Status != "307 Internal Redirect" {
		t.Errorf("got %s", resp.Status)
	}
	for name, want := range map[string]string{
		"Location": "https://a.test/x?y", "Non-Authoritative-Reason": "HSTS", "Cross-Origin-Resource-Policy": "Cross-Origin",
		"Access-Control-Allow-Origin": "http://page.test", "Access-Control-Allow-Credentials": "true",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	// It is one of the 20 redirects, and nothing of the body was read: what cannot be
	// read twice arrives.
	fetched, err := s.Fetch(t.Context(), "http://a.test/", &fetch.Init{Method: "POST", Body: onlyReader("once")})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := fetched.Text(); text != "once" || err != nil || len(fetched.URLList) != 2 {
		t.Errorf("got %q by %q, %v", text, fetched.URLList, err)
	}
	body := newSpy(strings.NewReader("x"))
	req, err = http.NewRequest("POST", "http://a.test/", body)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err = s.RoundTripper().RoundTrip(req); err != nil || resp.StatusCode != http.StatusTemporaryRedirect {
		t.Fatalf("got %v, %v", resp, err)
	}
	resp.Body.Close()
	<-body.done // closed, though not sent
	if got := w.take(); !slices.Equal(got, []string{"https://a.test/: "}) {
		t.Errorf("got %q, want one request in all", got)
	}
	text := logOf(t, s, func() { doors[0].do(t.Context(), s, call{url: "http://a.test/"}) })
	if !strings.Contains(text, `"reason":"HSTS"`) {
		t.Error("the log does not say why")
	}
}

// TestHSTSOverHTTP3: what is said over HTTP/3 counts as over TCP.
func TestHSTSOverHTTP3(t *testing.T) {
	nettest.CheckGoroutines(t)
	w := newWeb(t)
	port := nettest.NewHTTP3Server(t, w.ca.Config("a.test"), w)
	cfg := w.cfg
	var err error
	if cfg.DNS.Rules, err = dns.ParseRules(fmt.Sprintf("MAP *:80 %s, MAP *:443 %s, MAP * 127.0.0.1",
		w.http.Listener.Addr(), w.https.Listener.Addr())); err != nil {
		t.Fatal(err)
	}
	s := newSession(t, cfg)
	_, https, _ := net.SplitHostPort(w.https.Listener.Addr().String()) // below 1024 none above counts
	at := "https://a.test:" + https
	resp, _ := upgraded(t, s, at+"/head?"+url.Values{"Alt-Svc": {fmt.Sprintf(`h3=":%d"`, port)}}.Encode())
	if tls := resp.Info.TLS; len(tls.VerifiedChains) != 1 || !tls.VerifiedChains[0][0].Equal(tls.PeerCertificates[0]) {
		t.Errorf("got the chains %v", tls.VerifiedChains)
	}
	if resp, _ := fetchText(t, s, secured(at)); resp.Proto != "HTTP/3.0" {
		t.Fatalf("got %s", resp.Proto)
	}
	if resp, _ := fetchText(t, s, "http://deep.a.test/"); resp.URL != "https://deep.a.test/" {
		t.Errorf("got %s", resp.URL)
	}
}

// TestHSTSStrict: nobody may accept a certificate of a host that requires https, and
// one that was accepted teaches nothing.
func TestHSTSStrict(t *testing.T) {
	w := newWeb(t)
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nobodyKnown := nettest.NewCA().Pool()
			v := certverify.New(certverify.Config{Roots: nobodyKnown})
			cfg := w.cfg
			cfg.TLS.Verifier = v
			s := newSession(t, cfg)
			c := &clerk{accept: true}
			s.SetCertificateErrorHandler(c.decide)
			d.wantCode(t, s, secured("https://a.test"), neterr.OK)
			c.wantAsked(t, 1)
			w.take()
			d.wantCode(t, s, "http://a.test/", neterr.OK)
			if got, want := w.take(), []string{"http://a.test/: "}; !slices.Equal(got, want) {
				t.Errorf("under an accepted certificate: got %q, want %q", got, want)
			}

			v.SetRoots(w.ca.Pool(), nil)
			d.wantCode(t, s, secured("https://a.test"), neterr.OK)
			v.SetRoots(nobodyKnown, nil)
			// Now what was accepted does not count, and there are no questions.
			d.wantCode(t, s, "https://a.test/", neterr.CertAuthorityInvalid)
			d.wantCode(t, s, "http://deep.a.test/", neterr.CertAuthorityInvalid)
			c.wantAsked(t, 1)
			d.wantCode(t, s, "https://b.test/", neterr.OK)
			c.wantAsked(t, 2)
		})
	}
}
