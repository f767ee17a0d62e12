package hsts_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/hsts"
)

func TestParseHeader(t *testing.T) {
	const year = 365 * 24 * time.Hour
	tests := []struct {
		in   string
		want hsts.Policy
		ok   bool
	}{
		{"max-age=60", hsts.Policy{MaxAge: time.Minute}, true},
		{"Max-Age = \t60 ; INCLUDESUBDOMAINS", hsts.Policy{MaxAge: time.Minute, IncludeSubDomains: true}, true},
		{"includeSubDomains; max-age=\"60\"", hsts.Policy{MaxAge: time.Minute, IncludeSubDomains: true}, true},
		{";; max-age=0 ;;", hsts.Policy{}, true},
		{"max-age=31536001", hsts.Policy{MaxAge: year}, true},
		{"max-age=99999999999999999999999999", hsts.Policy{MaxAge: year}, true},
		{"max-age=60; preload; report=\"a;b\\\";\"; x = y", hsts.Policy{MaxAge: time.Minute}, true},
		{"", hsts.Policy{}, false},
		{";", hsts.Policy{}, false},
		{"includeSubDomains", hsts.Policy{}, false},
		{"max-age", hsts.Policy{}, false},
		{"max-age=", hsts.Policy{}, false},
		{"max-age=\"\"", hsts.Policy{}, false},
		{"max-age=-1", hsts.Policy{}, false},
		{"max-age=+1", hsts.Policy{}, false},
		{"max-age=1.5", hsts.Policy{}, false},
		{"max-age=60 60", hsts.Policy{}, false},
		{"max-age=60, includeSubDomains", hsts.Policy{}, false},
		{"max-age=60; max-age=60", hsts.Policy{}, false},
		{"max-age=60; includeSubDomains; includeSubDomains", hsts.Policy{}, false},
		{"max-age=60; includeSubDomains=true", hsts.Policy{}, false},
		{"max-age=60; includeSubDomains=\"\"", hsts.Policy{}, false},
		{"max-age=60; =x", hsts.Policy{}, false},
		{"max-age=60; x=", hsts.Policy{}, false},
		{"max-age=60; x=\"open", hsts.Policy{}, false},
		{"max-age=60; x=\"open\\", hsts.Policy{}, false},
		{"max-age=60; x=\"a\"b", hsts.Policy{}, false},
		{"max-age=60; x y", hsts.Policy{}, false},
		{"max-age=60; \x00", hsts.Policy{}, false},
	}
	for _, tt := range tests {
		got, err := hsts.ParseHeader(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: got %+v, %v; want %+v, %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}

func parse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func receive(t *testing.T, s *hsts.Store, from, header string) {
	t.Helper()
	if err := s.Receive(parse(t, from), header); err != nil {
		t.Fatalf("%s: %v", from, err)
	}
}

func preload(t *testing.T, list string) *hsts.Preload {
	t.Helper()
	p, err := hsts.ReadPreload(strings.NewReader(list))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const list = `// A comment.
{
  // Another.
  "pinsets": [{"name": "x"}],
  "entries": [
    {"name": "listed.test", "policy": "bulk", "mode": "force-https", "include_subdomains": true},
    {"name": "alone.listed.test", "mode": "force-https"},
    {"name": "pinned.test", "pins": "x"},
    {"name": "quiet.test", "mode": "force-https", "include_subdomains": true}
  ]
}`

func TestRequired(t *testing.T) {
	s := hsts.New(hsts.Config{Preload: preload(t, list)})
	receive(t, s, "https://a.test/", "max-age=60; includeSubDomains")
	receive(t, s, "https://deep.a.test/", "max-age=60")
	receive(t, s, "wss://B.test.:8443/", "max-age=60")
	receive(t, s, "https://b\u00fccher.test/", "max-age=60")
	receive(t, s, "https://quiet.test/", "max-age=60")
	tests := []struct {
		host string
		want bool
	}{
		{"a.test", true},
		{"A.TEST.", true},
		{"x.y.a.test", true},
		{"deep.a.test", true},
		{"below.deep.a.test", false}, // what is nearer counts
		{"nota.test", false},
		{"test", false},
		{"b.test", true},
		{"x.b.test", false},
		{"xn--bcher-kva.test", true},
		{"listed.test", true},
		{"x.listed.test", true},
		{"alone.listed.test", true},
		{"x.alone.listed.test", false},
		{"pinned.test", false},
		{"quiet.test", true},
		{"x.quiet.test", true}, // what it said is for itself alone, and the list is asked
		{"", false},
		{".", false},
		{"127.0.0.1", false},
		{strings.Repeat("a.", 1<<20), false},
	}
	for _, tt := range tests {
		if got := s.Required(tt.host); got != tt.want {
			t.Errorf("%.40q: got %v, want %v", tt.host, got, tt.want)
		}
	}
}

func TestReceiveRefuses(t *testing.T) {
	s := hsts.New(hsts.Config{})
	for _, from := range []string{
		"http://a.test/", "ws://a.test/", "ftp://a.test/", "https://127.0.0.1/", "https://[::1]/", "https://[2001:db8::1]/",
		"https://localhost/", "https://x.localhost/", "https:///x", "https://./",
	} {
		if err := s.Receive(parse(t, from), "max-age=60"); err == nil {
			t.Errorf("%s is believed", from)
		}
	}
	if err := s.Receive(parse(t, "https://a.test/"), "max-age"); err == nil {
		t.Error("a malformed header is believed")
	}
	if got := s.Snapshot(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestUpgrade(t *testing.T) {
	s := hsts.New(hsts.Config{})
	receive(t, s, "https://a.test/", "max-age=60")
	tests := []struct{ in, want string }{
		{"http://a.test/x?y#z", "https://a.test/x?y#z"},
		{"http://user@A.test:80/", "https://user@A.test/"},
		{"http://a.test:8080/", "https://a.test:8080/"},
		{"ws://a.test/", "wss://a.test/"},
		{"https://a.test/", ""},
		{"ftp://a.test/", ""},
		{"http://b.test/", ""},
	}
	for _, tt := range tests {
		u := parse(t, tt.in)
		got, ok := s.Upgrade(u)
		if ok != (tt.want != "") || ok && got.String() != tt.want || u.String() != tt.in {
			t.Errorf("%s: got %v, %v, want %q; it is now %s", tt.in, got, ok, tt.want, u)
		}
	}
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hsts.New(hsts.Config{})
		receive(t, s, "https://a.test/", "max-age=60")
		receive(t, s, "https://b.test/", "max-age=60")
		time.Sleep(59 * time.Second)
		receive(t, s, "https://a.test/", "max-age=60")
		time.Sleep(time.Second)
		if !s.Required("a.test") || s.Required("b.test") {
			t.Error("want a.test, said again, and not b.test")
		}
		receive(t, s, "https://a.test/", "max-age=0")
		if s.Required("a.test") || len(s.Snapshot()) != 0 {
			t.Error("max-age=0 does not end the policy")
		}
	})
}

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hsts.New(hsts.Config{MaxEntries: 20})
		receive(t, s, "https://over.test/", "max-age=1")
		for i := range 20 {
			time.Sleep(time.Second)
			receive(t, s, fmt.Sprintf("https://h%d.test/", i), "max-age=600")
		}
		if n := len(s.Snapshot()); n != 20 {
			t.Errorf("got %d, want 20: what is over goes first", n)
		}
		receive(t, s, "https://last.test/", "max-age=600")
		if n := len(s.Snapshot()); n != 18 || s.Required("h2.test") || !s.Required("h3.test") || !s.Required("last.test") {
			t.Errorf("got %d, want the 18 last", n)
		}
	})
}

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hsts.New(hsts.Config{})
		receive(t, s, "https://b.test/", "max-age=60; includeSubDomains")
		receive(t, s, "https://a.test/", "max-age=120")
		want := s.Snapshot()
		other := hsts.New(hsts.Config{})
		if left := other.Restore(want); left != 0 || !slices.Equal(other.Snapshot(), want) {
			t.Errorf("%d left out: got %v, want %v", left, other.Snapshot(), want)
		}
		now := time.Now()
		bad := []hsts.Entry{
			want[0], // known
			{Host: "C.test", Expires: now.Add(time.Minute)},
			{Host: "127.0.0.1", Expires: now.Add(time.Minute)},
			{Host: "", Expires: now.Add(time.Minute)},
			{Host: "over.test", Expires: now},
		}
		if left := other.Restore(bad); left != len(bad) {
			t.Errorf("%d left out, want %d", left, len(bad))
		}
		other.Restore([]hsts.Entry{{Host: "long.test", Expires: now.Add(1e5 * time.Hour)}})
		if got := other.Snapshot()[2].Expires; got.After(now.Add(366 * 24 * time.Hour)) {
			t.Errorf("got %v, want a year at most", got)
		}
		if n := other.RemoveFunc(func(e hsts.Entry) bool { return e.IncludeSubDomains }); n != 1 || other.Required("b.test") || !other.Required("a.test") {
			t.Errorf("removed %d, want b.test", n)
		}
	})
}

func TestReadPreload(t *testing.T) {
	if p := preload(t, list); p.Len() != 3 {
		t.Errorf("got %d hosts, want 3", p.Len())
	}
	for _, in := range []string{"", "// nothing", "{", `{"entries": 1}`, `{"entries": [{"name": "a b", "mode": "force-https"}]}`} {
		if _, err := hsts.ReadPreload(strings.NewReader(in)); err == nil {
			t.Errorf("%q is read", in)
		}
	}
}

func Example() {
	store := hsts.New(hsts.Config{})
	from, _ := url.Parse("https://example.com/")
	fmt.Println(store.Receive(from, "max-age=31536000; includeSubDomains"))

	u, _ := url.Parse("http://www.example.com/shop")
	secure, ok := store.Upgrade(u)
	fmt.Println(secure, ok)
	// Output:
	// <nil>
	// https://www.example.com/shop true
}
