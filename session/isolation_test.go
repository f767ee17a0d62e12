package session_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/session"
)

// TestIsolation tries each kind of state that one session must not see of another.
func TestIsolation(t *testing.T) {
	w := newWeb(t)
	profile, err := session.OpenProfile(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer profile.Close(context.Background())
	config := w.cfg
	open := func(name string) *session.Session {
		t.Helper()
		s, err := profile.FromPartition(name, &session.Options{Config: config})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	mark := "https://a.test/head?" + url.Values{"Set-Cookie": {"a=1"}, "Strict-Transport-Security": {"max-age=60"}}.Encode()
	kinds := []struct {
		name string
		sees func(*session.Session) bool // whether the session sees what the request for mark left
	}{
		{"cookies", func(s *session.Session) bool {
			return doors[0].do(t.Context(), s, call{url: "https://a.test/"}).body == "a=1"
		}},
		{"HSTS", func(s *session.Session) bool {
			resp, err := s.Fetch(t.Context(), "http://a.test/", &fetch.Init{Redirect: fetch.RedirectManual})
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.Status == http.StatusTemporaryRedirect
		}},
		{"cache", func(s *session.Session) bool { return isCached(t, s, mark) }},
		{"connections", func(s *session.Session) bool {
			return doors[0].do(t.Context(), s, call{url: "https://a.test/"}).reused
		}},
	}
	for _, pair := range [][2]string{{"persist:one", "persist:two"}, {"one", "two"}, {"persist:three", "three"}} {
		for _, kind := range kinds {
			first, second := open(pair[0]), open(pair[1])
			if x := doors[0].do(t.Context(), first, call{url: mark}); x.err != nil {
				t.Fatal(x.err)
			}
			if !kind.sees(first) {
				t.Errorf("%s: %s does not see its own", kind.name, pair[0])
			}
			if kind.sees(second) {
				t.Errorf("%s: %s sees those of %s", kind.name, pair[1], pair[0])
			}
			for _, s := range []*session.Session{first, second} {
				s.Cookies().RemoveFunc(func(*cookiejar.Cookie) bool { return true })
				if err := s.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
	}
}
