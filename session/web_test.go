package session_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

// A web is every host under .test, at the usual ports of http and https, over two real
// servers. It answers:
//
//	/set?c=LINE&c=…     with these Set-Cookie fields
//	/head?NAME=VALUE    with these header fields
//	/go?to=URL&c=…      by a redirect, with status 302 or ?status=
//	/page?NAME=VALUE    with these header fields and page, or what is asked of it
//
// and all else with the request's Cookie field.
type web struct {
	cfg         session.Config // of a session that finds it
	ca          *nettest.CA
	http, https *httptest.Server

	mu   sync.Mutex
	seen []string // "https://host/path: " and the values of Cookie, for each request
}

func newWeb(t *testing.T) *web {
	ca := nettest.NewCA()
	w := &web{ca: ca}
	w.http = httptest.NewServer(w)
	w.https = httptest.NewUnstartedServer(w)
	w.https.TLS = ca.Config("a.test", "*.a.test", "b.test", "*.b.test")
	w.https.Config.ErrorLog = log.New(io.Discard, "", 0) // certificates that are refused would fill it
	w.https.StartTLS()
	t.Cleanup(w.http.Close)
	t.Cleanup(w.https.Close)
	rules, err := dns.ParseRules(fmt.Sprintf("MAP *:80 %s, MAP *:443 %s", w.http.Listener.Addr(), w.https.Listener.Addr()))
	if err != nil {
		t.Fatal(err)
	}
	w.cfg = trusting(ca)
	w.cfg.DNS.Rules = rules
	return w
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	w.mu.Lock()
	w.seen = append(w.seen, fmt.Sprintf("%s://%s%s: %s", scheme, r.Host, r.URL.Path, strings.Join(r.Header["Cookie"], " & ")))
	w.mu.Unlock()
	q := r.URL.Query()
	for _, line := range q["c"] {
		rw.Header().Add("Set-Cookie", line)
	}
	switch r.URL.Path {
	case "/set":
	case "/head":
		for name := range q {
			rw.Header().Set(name, q.Get(name))
		}
	case "/go":
		rw.Header().Set("Location", q.Get("to"))
		status := http.StatusFound
		fmt.Sscan(q.Get("status"), &status)
		rw.WriteHeader(status)
	case "/page":
		for name := range q {
			rw.Header().Set(name, q.Get(name))
		}
		content := page
		if q.Get("Content-Encoding") == "gzip" {
			content = gzipped(page)
		}
		http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(content))
	default:
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(rw, r.Header.Get("Cookie"), string(b))
	}
}

// take returns what was asked since it was last called.
func (w *web) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.seen
	w.seen = nil
	return seen
}

// set is the URL that sets cookies.
func set(at string, lines ...string) string { return at + "/set?" + url.Values{"c": lines}.Encode() }

// page is larger than what buffers on the way hold.
var page = pattern(300 << 10)

// pageURL is the URL of page with header fields, each as "Name: value".
func pageURL(at string, fields ...string) string {
	q := url.Values{}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		q.Set(name, value)
	}
	return at + "/page?" + q.Encode()
}

func gzipped(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

// via is the URL that leads to a URL.
func via(at, to string, lines ...string) string {
	return at + "/go?" + url.Values{"to": {to}, "c": lines}.Encode()
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
