package fuzz_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// FuzzDoH: any template either is refused or leads to its https host alone, and any
// response gives an answer or an error with a code.
func FuzzDoH(f *testing.F) {
	good, err := dnswire.AppendQuery(nil, dnswire.Question{Name: "h.test", Type: dnswire.A}, dnswire.QueryOptions{})
	if err != nil {
		f.Fatal(err)
	}
	good[2] = 0x81
	f.Add("https://dns.test/dns-query{?dns}", 200, "application/dns-message", good)
	f.Add("https://dns.test:8443/q?a=b{&dns}", 200, "text/html", []byte("<html>"))
	f.Add("https://[2001:db8::1]/{+dns}{#x*}", 500, "", []byte{})
	f.Add("https://{dns:2}.test/", 302, "application/dns-message;", []byte{0})
	f.Fuzz(func(t *testing.T, template string, status int, kind string, body []byte) {
		s, err := doh.NewServer(template)
		if err != nil {
			if neterr.CodeOf(err) != neterr.InvalidArgument || s.Host() != "" {
				t.Fatalf("%q: got %q, %v", template, s.Host(), err)
			}
			return
		}
		var to *url.URL
		c := doh.New(doh.Config{Servers: []doh.Server{s}, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
			to = r.URL
			return &http.Response{
				StatusCode: status, Proto: "HTTP/2.0", Header: http.Header{"Content-Type": {kind}},
				Body: io.NopCloser(bytes.NewReader(body)), ContentLength: -1,
			}, nil
		})})
		defer c.Close()
		a, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
		if (a == nil) == (err == nil) || err != nil && neterr.CodeOf(err) == neterr.Failed {
			t.Fatalf("got %+v and %v, want one of them, with a code", a, err)
		}
		if to == nil || to.Scheme != "https" || to.User != nil {
			t.Fatalf("%q leads to %v", template, to)
		}
		if host, _, ok := origin.SplitHostPort(to.Scheme, to.Host); !ok || host != s.Host() {
			t.Errorf("%q leads to %v, want the host %q", template, to, s.Host())
		}
	})
}

// A roundTripper is a function that answers requests.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
