package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// counting redirects /n to /n-1, and answers at /0.
func counting(w http.ResponseWriter, r *http.Request) {
	n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if n == 0 {
		fmt.Fprint(w, "ok")
		return
	}
	http.Redirect(w, r, "/"+strconv.Itoa(n-1), http.StatusFound)
}

func TestRedirectLimit(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			srv := httptest.NewServer(http.HandlerFunc(counting))
			defer srv.Close()
			s := newSession(t, trusting(nettest.NewCA()))
			if a := d.do(t.Context(), s, call{url: srv.URL + "/20"}); a.err != nil || a.body != "ok" {
				t.Errorf("20 redirects: %q, %v", a.body, a.err)
			}
			if a := d.do(t.Context(), s, call{url: srv.URL + "/21"}); neterr.CodeOf(a.err) != neterr.TooManyRedirects {
				t.Errorf("21 redirects: got %v, want %v", a.err, neterr.TooManyRedirects)
			}
			wantUsable(t, t.Context(), s, d)
		})
	}
}

func TestRedirectLoop(t *testing.T) {
	for _, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			asked := 0
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				for {
					if _, err := c.ReadHead(); err != nil {
						return
					}
					asked++
					c.Print("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
				}
			})
			s := newSession(t, trusting(nettest.NewCA()))
			a := d.do(t.Context(), s, call{url: srv.URL()})
			if neterr.CodeOf(a.err) != neterr.TooManyRedirects {
				t.Errorf("got %v, want %v", a.err, neterr.TooManyRedirects)
			}
			s.CloseAllConnections()
			srv.Close() // waits for the handler, and so for asked
			if asked != 21 || srv.Accepted() != 1 {
				t.Errorf("%d requests on %d connections, want 21 on 1", asked, srv.Accepted())
			}
			wantUsable(t, t.Context(), s, d)
		})
	}
}

func TestRedirectTargets(t *testing.T) {
	for _, tt := range []struct {
		location string
		want     neterr.Code
	}{
		{"file:///etc/passwd", neterr.UnsafeRedirect},
		{"data:text/plain,x", neterr.UnsafeRedirect},
		{"about:blank", neterr.UnsafeRedirect},
		{"javascript:alert(1)", neterr.UnsafeRedirect},
		{"blob:http://127.0.0.1/x", neterr.UnsafeRedirect},
		{"filesystem:http://127.0.0.1/x", neterr.UnsafeRedirect},
		{"FILE:///x", neterr.UnsafeRedirect},
		{"gopher://127.0.0.1/", neterr.UnknownURLScheme},
		{"http://127.0.0.1:25/", neterr.UnsafePort},
		{"http://no-such-host.invalid/", neterr.NameNotResolved},
		{"http://[::1", neterr.InvalidRedirect},
		{"http://a b/", neterr.InvalidRedirect},
		{"http://", neterr.InvalidRedirect},
		{"http://127.0.0.1:99999/", neterr.InvalidRedirect},
	} {
		for _, d := range doors {
			if d.name != "Fetch" && tt.want == neterr.InvalidRedirect {
				continue // http.Client parses Location itself: see below
			}
			t.Run(tt.location+"/"+d.name, func(t *testing.T) {
				nettest.CheckGoroutines(t)
				srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "+tt.location+"\r\n\r\n"))
				s := newSession(t, trusting(nettest.NewCA()))
				if a := d.do(t.Context(), s, call{url: srv.URL()}); neterr.CodeOf(a.err) != tt.want {
					t.Errorf("got %v (%d), want %v", a.err, a.status, tt.want)
				}
				wantUsable(t, t.Context(), s, d)
			})
		}
	}
}

// TestClientInvalidRedirect: whatever http.Client makes of such a Location, it is an
// error and nothing is sent anywhere.
func TestClientInvalidRedirect(t *testing.T) {
	for _, location := range []string{"http://[::1", "http://a b/", "http://", "http://127.0.0.1:99999/"} {
		t.Run(location, func(t *testing.T) {
			nettest.CheckGoroutines(t)
			srv := nettest.NewServer(t, nettest.Respond("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "+location+"\r\n\r\n"))
			s := newSession(t, trusting(nettest.NewCA()))
			resp, err := s.Client().Get(srv.URL())
			if err == nil {
				resp.Body.Close()
				t.Error("no error")
			}
			wantUsable(t, t.Context(), s, doors[1])
		})
	}
}

// TestRedirectSecrets: what is for one origin does not go to another, a sub-domain
// or other port included.
func TestRedirectSecrets(t *testing.T) {
	var got http.Header
	echo := func(w http.ResponseWriter, r *http.Request) { got = r.Header.Clone() }
	there := httptest.NewServer(http.HandlerFunc(echo))
	defer there.Close()
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		case "/cross":
			http.Redirect(w, r, there.URL, http.StatusTemporaryRedirect)
		default:
			echo(w, r)
		}
	}))
	defer here.Close()
	for _, d := range doors {
		s := newSession(t, trusting(nettest.NewCA()))
		for path, kept := range map[string]bool{"/same": true, "/cross": false} {
			a := d.do(t.Context(), s, call{url: here.URL + path, header: map[string]string{
				"Authorization": "Bearer x", "Cookie": "a=b", "X-Mine": "kept",
			}})
			if a.err != nil {
				t.Fatal(a.err)
			}
			if has := got.Get("Authorization") != ""; has != kept {
				t.Errorf("%s %s: Authorization sent %v, want %v", d.name, path, has, kept)
			}
			if has := got.Get("Cookie") != ""; has != kept {
				t.Errorf("%s %s: Cookie sent %v, want %v", d.name, path, has, kept)
			}
			if got.Get("X-Mine") == "" {
				t.Errorf("%s %s: X-Mine is lost", d.name, path)
			}
		}
	}
}

func TestRedirectModes(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(counting))
	defer srv.Close()
	s := newSession(t, trusting(nettest.NewCA()))
	resp, err := s.Fetch(t.Context(), srv.URL+"/1", &fetch.Init{Redirect: fetch.RedirectManual})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Status != 302 || resp.Header.Get("Location") != "/0" || resp.Redirected {
		t.Errorf("manual: got %d %q, redirected %v", resp.Status, resp.Header.Get("Location"), resp.Redirected)
	}
	_, err = s.Fetch(t.Context(), srv.URL+"/1", &fetch.Init{Redirect: fetch.RedirectError})
	if !errors.Is(err, neterr.Failed) {
		t.Errorf("error: got %v, want %v", err, neterr.Failed)
	}
	resp, err = s.Fetch(t.Context(), srv.URL+"/2#part", &fetch.Init{Header: exchange.Fields{{Name: "X", Value: "y"}}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if want := srv.URL + "/0#part"; resp.URL != want || !resp.Redirected || len(resp.URLList) != 3 {
		t.Errorf("follow: got %s, redirected %v, list %q; want %s", resp.URL, resp.Redirected, resp.URLList, want)
	}
}
