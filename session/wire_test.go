package session_test

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/session"
)

// A recorder is a server that keeps the request heads as they came.
type recorder struct {
	*nettest.Server
	mu    sync.Mutex
	heads []string
}

func newRecorder(t *testing.T, ca *nettest.CA, names ...string) *recorder {
	r := &recorder{}
	serve := func(c *nettest.Conn) {
		for {
			head, err := c.ReadHead()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.heads = append(r.heads, head)
			r.mu.Unlock()
			c.Print("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}
	if ca != nil {
		r.Server = nettest.NewTLSServer(t, ca.Config(names...), serve)
	} else {
		r.Server = nettest.NewServer(t, serve)
	}
	return r
}

// last returns the head of the newest request.
func (r *recorder) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.heads) == 0 {
		return ""
	}
	return r.heads[len(r.heads)-1]
}

// on returns the URL of the server under another name.
func (r *recorder) on(name string) string {
	return strings.Replace(r.URL(), "127.0.0.1", name, 1) + "/p?q"
}

// mapping is a Config in which names lead to this machine.
func mapping(t *testing.T, ca *nettest.CA, names ...string) session.Config {
	t.Helper()
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("127.0.0.1 "+strings.Join(names, " ")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := trusting(ca)
	cfg.DNS.DisableHosts, cfg.DNS.HostsFile = false, hosts
	return cfg
}

// head joins the lines of an expected head; HOST, UA and PLATFORM stand for what
// differs between machines.
func head(host string, lines ...string) string {
	platform := profile.Chromium156().Platform(runtime.GOOS)
	return strings.NewReplacer("HOST", host, "UA", platform.UserAgent, "PLATFORM", platform.Name).
		Replace(strings.Join(lines, "\r\n") + "\r\n\r\n")
}

// TestFetchHead holds the wire image of Fetch: every field, in Chromium's order.
func TestFetchHead(t *testing.T) {
	ca := nettest.NewCA()
	s := newSession(t, mapping(t, ca, "shop.test"))
	plain, secure := newRecorder(t, nil), newRecorder(t, ca, "localhost", "shop.test")
	trustworthy := []string{
		"GET /p?q HTTP/1.1",
		"Host: HOST",
		"Connection: keep-alive",
		`sec-ch-ua-platform: "PLATFORM"`,
		"User-Agent: UA",
		`sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"`,
		"sec-ch-ua-mobile: ?0",
		"Accept: */*",
		"Sec-Fetch-Site: none",
		"Sec-Fetch-Mode: no-cors",
		"Sec-Fetch-Dest: empty",
		"Accept-Encoding: gzip, deflate, br, zstd",
		"Accept-Language: en-US,en;q=0.9",
	}
	for _, tt := range []struct {
		name   string
		server *recorder
		host   string
		init   *fetch.Init
		lines  []string
	}{
		{"https, localhost", secure, "localhost", nil, trustworthy},
		{"https, a name", secure, "shop.test", nil, trustworthy},
		{"http, localhost", plain, "localhost", nil, trustworthy},
		{"http, a name", plain, "shop.test", nil, []string{
			"GET /p?q HTTP/1.1",
			"Host: HOST",
			"Connection: keep-alive",
			"User-Agent: UA",
			"Accept: */*",
			"Accept-Encoding: gzip, deflate",
			"Accept-Language: en-US,en;q=0.9",
		}},
		{"a post", plain, "shop.test", &fetch.Init{
			Method: "post", Body: strings.NewReader(""), Cache: fetch.CacheReload,
			Header: exchange.Fields{{Name: "Content-Type", Value: "text/plain"}, {Name: "x-Mine", Value: "1"}},
		}, []string{
			"POST /p?q HTTP/1.1",
			"Host: HOST",
			"Connection: keep-alive",
			"Content-Length: 0",
			"Pragma: no-cache",
			"Cache-Control: no-cache",
			"User-Agent: UA",
			"x-Mine: 1",
			"Content-Type: text/plain",
			"Accept: */*",
			"Accept-Encoding: gzip, deflate",
			"Accept-Language: en-US,en;q=0.9",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			url := tt.server.on(tt.host)
			resp, err := s.Fetch(t.Context(), url, tt.init)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			_, port, _ := strings.Cut(tt.server.Addr(), ":")
			if got, want := tt.server.last(), head(tt.host+":"+port, tt.lines...); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestRoundTripperHead: three fields where the caller set none, and nothing else.
func TestRoundTripperHead(t *testing.T) {
	ca := nettest.NewCA()
	s := newSession(t, mapping(t, ca, "shop.test"))
	plain, secure := newRecorder(t, nil), newRecorder(t, ca, "localhost")
	for _, tt := range []struct {
		name   string
		server *recorder
		host   string
		header http.Header
		lines  []string
	}{
		{"nothing set", plain, "shop.test", http.Header{}, []string{"User-Agent: UA", "Accept-Encoding: gzip, deflate", "Accept-Language: en-US,en;q=0.9"}},
		{"localhost", plain, "localhost", http.Header{}, []string{"User-Agent: UA", "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-US,en;q=0.9"}},
		{"https", secure, "localhost", http.Header{}, []string{"User-Agent: UA", "Accept-Encoding: gzip, deflate, br, zstd", "Accept-Language: en-US,en;q=0.9"}},
		{"own field", plain, "shop.test", http.Header{"X-Mine": {"1", "2"}}, []string{"X-Mine: 1", "X-Mine: 2", "User-Agent: UA", "Accept-Encoding: gzip, deflate", "Accept-Language: en-US,en;q=0.9"}},
		{"all set", plain, "shop.test", http.Header{"User-Agent": {"me"}, "Accept-Encoding": {"br"}, "Accept-Language": {"de"}}, []string{"Accept-Encoding: br", "Accept-Language: de", "User-Agent: me"}},
		{"no user agent", plain, "shop.test", http.Header{"User-Agent": {""}}, []string{"Accept-Encoding: gzip, deflate", "Accept-Language: en-US,en;q=0.9"}},
		{"range", plain, "localhost", http.Header{"Range": {"bytes=0-1"}}, []string{"Range: bytes=0-1", "User-Agent: UA", "Accept-Encoding: identity", "Accept-Language: en-US,en;q=0.9"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), "GET", tt.server.on(tt.host), nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header = tt.header
			resp, err := s.RoundTripper().RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			_, port, _ := strings.Cut(tt.server.Addr(), ":")
			want := append([]string{"GET /p?q HTTP/1.1", "Host: HOST", "Connection: keep-alive"}, tt.lines...)
			if got, want := sorted(tt.server.last()), sorted(head(tt.host+":"+port, want...)); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// sorted puts the fields that come from an http.Header, a map, in an order.
func sorted(head string) string {
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	if len(lines) < 3 {
		return head
	}
	slices.Sort(lines[3:])
	return strings.Join(lines, "\r\n")
}

func TestSetUserAgent(t *testing.T) {
	s := newSession(t, session.Config{})
	srv := newRecorder(t, nil)
	standard := profile.Chromium156().Platform(runtime.GOOS).UserAgent
	check := func(userAgent, languages string) {
		t.Helper()
		if got := s.UserAgent(); got != userAgent {
			t.Errorf("UserAgent: got %q, want %q", got, userAgent)
		}
		for _, d := range doors {
			if a := d.do(t.Context(), s, call{url: srv.URL()}); a.err != nil {
				t.Fatal(a.err)
			}
			for _, line := range []string{"User-Agent: " + userAgent, "Accept-Language: " + languages} {
				if !strings.Contains(srv.last(), "\r\n"+line+"\r\n") {
					t.Errorf("%s: %q is not in\n%s", d.name, line, srv.last())
				}
			}
			// Client hints do not follow.
			if d.name == "Fetch" && !strings.Contains(srv.last(), `sec-ch-ua: "Not:A-Brand";v="8", "Chromium";v="156"`) {
				t.Errorf("the brands changed:\n%s", srv.last())
			}
		}
	}
	check(standard, "en-US,en;q=0.9")
	s.SetUserAgent("Mine/1.0", "en-US,fr, de")
	check("Mine/1.0", "en-US,fr;q=0.9,de;q=0.8")
	s.SetUserAgent("Mine/2.0", "a,b,c,d,e,f,g,h,i,j,k,l")
	check("Mine/2.0", "a,b;q=0.9,c;q=0.8,d;q=0.7,e;q=0.6,f;q=0.5,g;q=0.4,h;q=0.3,i;q=0.2,j;q=0.1,k;q=0.1,l;q=0.1")
	s.SetUserAgent("Mine/4.0", "de")
	s.SetUserAgent("", "")
	check(standard, "de")

	s = newSession(t, session.Config{UserAgent: "Mine/3.0", AcceptLanguages: "nl"})
	check("Mine/3.0", "nl")
}
