package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
)

// A peer is a real server, asked over one protocol.
type peer struct {
	name   string
	rig    *nettest.Rig
	url    string // without a path
	config session.Config
	proto  string // of its responses
	cannot map[string]string
}

// A server is what can be started with a backend behind it.
type server struct {
	name  string
	start func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig

	// cannot names the conversations that it has no way to hold, perhaps over one
	// protocol only, and says why.
	cannot map[string]string
}

// servers answer by what stands behind them, but for /own; nghttpd has files. Those
// that can say which of their connections a request came on.
var servers = []server{
	{"nginx", func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig {
		return nettest.Nginx(t, nettest.NginxConfig{CA: ca, HTTP2: true, Files: files, Server: `
			client_max_body_size 0;
			keepalive_requests 1000000;
			add_header X-Client $remote_addr:$remote_port always;
			location / {
				proxy_pass http://` + backend + `;
				proxy_http_version 1.1;
				proxy_set_header Connection "";
				proxy_request_buffering off;
				proxy_buffering off;
			}
			location = /own { return 200 own; }
			location = /trailer { add_trailer X-Sum 7; }
		`})
	}, map[string]string{"103": "proxy_pass knows no 1xx", "HTTP2/100": "it sends none over HTTP/2"}},
	{"caddy", func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig {
		return nettest.Caddy(t, nettest.CaddyConfig{CA: ca, Site: `
			header X-Client {http.request.remote}
			respond /own own
			reverse_proxy ` + backend + ` {
				flush_interval -1
			}
		`})
	}, nil},
	{"haproxy", func(t *testing.T, ca *nettest.CA, backend string) *nettest.Rig {
		return nettest.HAProxy(t, nettest.HAProxyConfig{
			CA: ca,
			Frontend: `
				http-after-response set-header X-Client %ci:%cp
				http-request return content-type text/plain string own if { path /own }
			`,
			Backend: "server one " + backend,
		})
	}, nil},
	{"nghttpd", func(t *testing.T, ca *nettest.CA, _ string) *nettest.Rig {
		return nettest.Nghttpd(t, nettest.NghttpdConfig{
			CA: ca, Files: files, Args: []string{"--echo-upload", "--trailer=X-Sum: 7"},
		})
	}, map[string]string{"204": "it serves files", "103": "it serves files", "reload": "it does not"}},
}

// files is what servers have that serve files; the backend has the same.
var files = map[string][]byte{
	"small":   []byte("a small file"),
	"big":     pattern(5<<20 + 321),
	"trailer": []byte("seven"),
}

// pattern returns n bytes that show where they have been cut or swapped.
func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	for i := 0; len(b) < n; i++ {
		b = fmt.Appendf(b, "%07x\n", i)
	}
	return b[:n]
}

// newBackend starts the server behind the servers.
func newBackend(t *testing.T) string {
	mux := http.NewServeMux()
	for name, content := range files {
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost { // HTTP/1.1 servers read first
				body, _ := io.ReadAll(r.Body)
				w.Write(body)
				return
			}
			w.Header().Set("ETag", `"1"`)
			if r.Header.Get("If-None-Match") == `"1"` {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			if name == "trailer" {
				w.Header().Set("Trailer", "X-Sum")
				defer w.Header().Set("X-Sum", "7")
			} else {
				w.Header().Set("Content-Length", strconv.Itoa(len(content)))
			}
			w.Write(content)
		})
	}
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		n, err := io.Copy(h, r.Body)
		fmt.Fprintf(w, "%d %x %v", n, h.Sum(nil), err)
	})
	mux.HandleFunc("/none", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/hints", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hinted")
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// eachPeer runs test against every server over every protocol that it speaks. A
// server that is not installed is skipped.
func eachPeer(t *testing.T, test func(*testing.T, *peer)) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			ca := nettest.NewCA()
			rig := s.start(t, ca, newBackend(t))
			http1 := trusting(ca)
			http1.DisableHTTP2 = true
			peers := []*peer{{"HTTP2", rig, "https://" + rig.HTTPS, trusting(ca), "HTTP/2.0", s.cannot}}
			if rig.HTTP != "" {
				peers = append(peers,
					&peer{"http", rig, "http://" + rig.HTTP, http1, "HTTP/1.1", s.cannot},
					&peer{"https", rig, "https://" + rig.HTTPS, http1, "HTTP/1.1", s.cannot})
			}
			for _, p := range peers {
				t.Run(p.name, func(t *testing.T) { test(t, p) })
			}
		})
	}
}

// TestPeers holds every kind of conversation with every real server.
func TestPeers(t *testing.T) {
	eachPeer(t, func(t *testing.T, p *peer) {
		s := newSession(t, p.config)
		for _, c := range conversations {
			t.Run(c.name, func(t *testing.T) {
				if why := p.cannot[c.name] + p.cannot[p.name+"/"+c.name]; why != "" {
					t.Log("left out: ", why)
					return
				}
				c.hold(t, s, p)
			})
		}
	})
}

var conversations = []struct {
	name string
	hold func(*testing.T, *session.Session, *peer)
}{
	{"small", func(t *testing.T, s *session.Session, p *peer) { wantFile(t, s, p, "small", doors) }},
	{"big", func(t *testing.T, s *session.Session, p *peer) { wantFile(t, s, p, "big", doors) }},
	{"HEAD", wantHead},
	{"upload", wantUpload},
	{"204", wantNoContent},
	{"304", wantNotModified},
	{"404", wantNotFound},
	{"trailer", wantTrailer},
	{"103", wantHints},
	{"100", wantContinue},
}

func wantFile(t *testing.T, s *session.Session, p *peer, name string, by []door) {
	t.Helper()
	for _, d := range by {
		a := d.do(t.Context(), s, call{url: p.url + "/" + name})
		if a.err != nil || a.status != 200 || a.body != string(files[name]) || a.retries != 0 {
			t.Errorf("%s: %d, %d bytes of %d, %d retries, %v", d.name, a.status, len(a.body), len(files[name]), a.retries, a.err)
		}
	}
}

// ask sends one request by the session's client and reads the body.
func ask(t *testing.T, s *session.Session, p *peer, req *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.Proto != p.proto {
		t.Fatalf("%s over %s, %v; want %s", resp.Status, resp.Proto, err, p.proto)
	}
	return resp, string(body)
}

func (p *peer) request(t *testing.T, method, path string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func wantHead(t *testing.T, s *session.Session, p *peer) {
	for _, name := range []string{"small", "big"} {
		resp, body := ask(t, s, p, p.request(t, "HEAD", "/"+name, nil))
		if resp.StatusCode != 200 || body != "" || resp.ContentLength != int64(len(files[name])) {
			t.Errorf("HEAD %s: %s, %d bytes, length %d", name, resp.Status, len(body), resp.ContentLength)
		}
	}
}

// wantUpload sends bodies up, of a known length and of none, and gets them or their
// sum back.
func wantUpload(t *testing.T, s *session.Session, p *peer) {
	for _, size := range []int{0, 1, 70_000, 4 << 20} {
		for _, length := range []int64{int64(size), -1} {
			data := files["big"][:size]
			path, want := "/small", string(data)
			if size > 1<<20 && p.rig.HTTP != "" {
				path, want = "/sum", fmt.Sprintf("%d %x <nil>", size, sha256.Sum256(data))
			}
			req := p.request(t, "POST", path, struct{ io.Reader }{bytes.NewReader(data)})
			req.ContentLength = length
			resp, got := ask(t, s, p, req)
			if resp.StatusCode != 200 || got != want {
				t.Errorf("%d bytes, length %d: %s, %d bytes came back: %.100q", size, length, resp.Status, len(got), got)
			}
		}
	}
}

func wantNoContent(t *testing.T, s *session.Session, p *peer) {
	resp, body := ask(t, s, p, p.request(t, "GET", "/none", nil))
	if resp.StatusCode != 204 || body != "" {
		t.Errorf("%s, %q", resp.Status, body)
	}
}

func wantNotModified(t *testing.T, s *session.Session, p *peer) {
	resp, _ := ask(t, s, p, p.request(t, "GET", "/small", nil))
	req := p.request(t, "GET", "/small", nil)
	if tag := resp.Header.Get("ETag"); tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	if date := resp.Header.Get("Last-Modified"); date != "" {
		req.Header.Set("If-Modified-Since", date)
	}
	resp, body := ask(t, s, p, req)
	if resp.StatusCode != 304 || body != "" {
		t.Errorf("%s, %q", resp.Status, body)
	}
}

func wantNotFound(t *testing.T, s *session.Session, p *peer) {
	resp, body := ask(t, s, p, p.request(t, "GET", "/not/there", nil))
	if resp.StatusCode != 404 || body == "" {
		t.Errorf("%s, %q", resp.Status, body)
	}
}

func wantTrailer(t *testing.T, s *session.Session, p *peer) {
	resp, body := ask(t, s, p, p.request(t, "GET", "/trailer", nil))
	if resp.StatusCode != 200 || body != "seven" || resp.Trailer.Get("X-Sum") != "7" {
		t.Errorf("%s, %q, trailer %v", resp.Status, body, resp.Trailer)
	}
}

func wantHints(t *testing.T, s *session.Session, p *peer) {
	var notices []int
	var link string
	req := p.request(t, "GET", "/hints", nil)
	req = req.WithContext(traceNotices(req.Context(), func(status int, h http.Header) {
		notices, link = append(notices, status), h.Get("Link")
	}))
	resp, body := ask(t, s, p, req)
	if resp.StatusCode != 200 || body != "hinted" {
		t.Errorf("%s, %q", resp.Status, body)
	}
	if len(notices) != 1 || notices[0] != 103 || link != "</style.css>; rel=preload" {
		t.Errorf("notices %v with Link %q, want 103 with one", notices, link)
	}
}

// wantContinue has the server ask for the body first.
func wantContinue(t *testing.T, s *session.Session, p *peer) {
	var notices []int
	data := files["big"][:100_000]
	req := p.request(t, "POST", "/small", struct{ io.Reader }{bytes.NewReader(data)})
	req.ContentLength = int64(len(data))
	req.Header.Set("Expect", "100-continue")
	req = req.WithContext(traceNotices(req.Context(), func(status int, _ http.Header) { notices = append(notices, status) }))
	resp, got := ask(t, s, p, req)
	if resp.StatusCode != 200 || got != string(data) {
		t.Errorf("%s, %d bytes came back of %d", resp.Status, len(got), len(data))
	}
	// One that forwards may say it twice, for itself and for the one behind it.
	if len(notices) == 0 || slices.Max(notices) != 100 {
		t.Errorf("notices %v, want 100", notices)
	}
}

// traceNotices returns a context that has 1xx responses told to tell.
func traceNotices(ctx context.Context, tell func(status int, h http.Header)) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
			tell(status, http.Header(h))
			return nil
		},
	})
}
