package fetch

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

var update = flag.Bool("update", false, "rewrite the list of known failures")

type urlCase struct {
	Input   string
	Base    *string
	Href    string
	Failure bool
}

func urlCases(t *testing.T) []urlCase {
	t.Helper()
	data, err := os.ReadFile("testdata/urltestdata.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	var cases []urlCase
	for _, r := range raw {
		if r[0] != '{' { // a comment
			continue
		}
		var c urlCase
		if err := json.Unmarshal(r, &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if len(cases) < 800 {
		t.Fatalf("got %d cases, want the whole suite", len(cases))
	}
	return cases
}

func (c *urlCase) library() (*whatwg.Url, error) {
	if c.Base == nil {
		return parser.Parse(c.Input)
	}
	return parser.ParseRef(*c.Base, c.Input)
}

// The library's mistakes are pinned: a new version must not bring others, and what
// it mends leaves the list.
func TestLibraryAgainstSuite(t *testing.T) {
	const file = "testdata/urltestdata-known-failures.txt"
	cases := urlCases(t)
	var got strings.Builder
	failures := 0
	for _, c := range cases {
		u, err := c.library()
		result := "failure"
		if err == nil {
			result = u.Href(false)
		}
		want := c.Href
		if c.Failure {
			want = "failure"
		}
		if result != want {
			base := "-"
			if c.Base != nil {
				base = *c.Base
			}
			failures++
			fmt.Fprintf(&got, "%+q base %+q\n\tgot  %+q\n\twant %+q\n", c.Input, base, result, want)
		}
	}
	t.Logf("%d of %d cases pass", len(cases)-failures, len(cases))
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("failures differ from %s:\n%s", file, got.String())
	}
}

// What the short way takes, the library takes to the same end; and what comes out of
// either goes over the wire as the standard writes it.
func TestURLAgainstSuite(t *testing.T) {
	short, opaque := 0, 0
	for _, c := range urlCases(t) {
		for _, s := range []string{c.Input, c.Href} {
			if t1, ok := parseCanonical(s); ok {
				short++
				u, err := parser.Parse(s)
				if err != nil {
					t.Errorf("%q: the short way takes it, the library says %v", s, err)
					continue
				}
				t2, err := convert(u)
				if err != nil {
					t.Errorf("%q: the short way takes it, then %v", s, err)
					continue
				}
				if t1.href != s || t1.href != t2.href || t1.fragment != t2.fragment || t1.origin != t2.origin || *t1.url != *t2.url {
					t.Errorf("%q: the short way gives %+v %+v, the library %+v %+v", s, t1, t1.url, t2, t2.url)
				}
			}
		}
		u, err := c.library()
		if err != nil {
			continue
		}
		parsed, err := convert(u)
		if err != nil {
			continue // another scheme
		}
		want := u.Pathname()
		if q := u.Query(); q != "" || strings.HasSuffix(u.Href(true), "?") {
			want += "?" + q
		}
		got := parsed.url.RequestURI()
		if parsed.url.Opaque != "" {
			opaque++
			got = strings.TrimPrefix(got, parsed.url.Scheme+"://"+parsed.url.Host)
		}
		if got != want {
			t.Errorf("%q: on the wire %q, want %q", c.Input, got, want)
		}
		if parsed.url.Host != u.Host() || parsed.bare() != u.Href(true) {
			t.Errorf("%q: got host %q and %q, want %q and %q", c.Input, parsed.url.Host, parsed.bare(), u.Host(), u.Href(true))
		}
	}
	if short < 100 || opaque == 0 {
		t.Errorf("got %d on the short way, %d by Opaque: the suite has more of each", short, opaque)
	}
}

func TestCanonical(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, tt := range []struct {
		url  string
		want bool
	}{
		{"http://a/", true},
		{"https://www.example.com/index.html?q=1&r=%zz#top", true},
		{"https://127.0.0.1:8443/", true},
		{"http://a:443/", true},
		{"http://a/%C3%A4/it's(1)!*", true},
		{"http://a/?", true},
		{"http://a/?a|b[]{}^`\\", true},
		{"http://a/#", true},
		{"http://a/#a#b?c", true},
		{"http://0.0.0.0/", true},
		{"http://a1/", true},
		{"http://1a/", false}, // ends in what may be a number
		{"http://a.0x1/", false},
		{"http://a.1/", false},
		{"http://1.2.3/", false},
		{"http://1.2.3.256/", false},
		{"http://1.2.3.04/", false},
		{"http://1.2.3.4.5/", false},
		{"HTTP://a/", false},
		{"http://A/", false},
		{"http://a", false},
		{"http://a?b", false},
		{"http:///a", false},
		{"http://a./", false},
		{"http://a..b/", false},
		{"http://.a/", false},
		{"http://-a/", false},
		{"http://xn--4ca/", false},
		{"http://" + long + "/", false},
		{"http://u@a/", false},
		{"http://a:80/", false},
		{"https://a:443/", false},
		{"http://a:/", false},
		{"http://a:0/", false},
		{"http://a:08/", false},
		{"http://a:65536/", false},
		{"http://a:1:2/", false},
		{"http://[::1]/", false},
		{"http://a/.", false},
		{"http://a/../b", false},
		{"http://a/%2e%2E/b", false},
		{"http://a/b%", false},
		{"http://a/b%4", false},
		{"http://a/b%4g", false},
		{"http://a/b|c", false},
		{"http://a/b\\c", false},
		{"http://a/b c", false},
		{"http://a/ä", false},
		{"http://a/?'", false},
		{"http://a/?a b", false},
		{"http://a/#<", false},
		{"http://a/\n", false},
		{" http://a/", false},
		{"ftp://a/", false},
		{"", false},
	} {
		if _, got := parseCanonical(tt.url); got != tt.want {
			t.Errorf("%q: got %t, want %t", tt.url, got, tt.want)
		}
	}
}

// No text takes the parser long: a Location may be some hundred kilobytes.
func TestHugeURLs(t *testing.T) {
	const n = 1 << 16
	for _, tt := range []struct{ name, url string }{
		{"at signs", "http://" + strings.Repeat("@", n) + "a/"},
		{"at signs without slashes", "http:" + strings.Repeat("@", n) + "a/"},
		{"at signs in the path of a scheme", "ht\ntp:\n//" + strings.Repeat("@", n) + "a/"},
		{"user", "https://" + strings.Repeat("u", n) + "@a/"},
		{"password", "//u:" + strings.Repeat("\u00fc", n) + "@a/"},
		{"port", "http://a:" + strings.Repeat("0", n) + "/"},
		{"labels", "http://" + strings.Repeat("a.", n) + "/"},
		{"IDNA", "http://" + strings.Repeat("\u00e4", n) + "/"},
		{"brackets", "http://[" + strings.Repeat("1:", n) + "]/"},
		{"escapes in a host", "http://" + strings.Repeat("%41", n) + "/"},
		{"dot segments", "http://a/" + strings.Repeat("../a/", n)},
		{"escapes", "http://a/" + strings.Repeat("|%2e", n)},
		{"query", "http://a/?" + strings.Repeat("'@", n)},
		{"fragment", "http://a/#" + strings.Repeat("<@", n)},
		{"opaque path", "data:" + strings.Repeat(" @", n)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				base := target{href: "http://a/"}
				_, _ = parse(tt.url)
				_, _ = base.resolve(tt.url)
			}()
			select {
			case <-done:
			case <-time.After(20 * time.Second): // usually some milliseconds
				t.Error("takes too long")
			}
		})
	}
}

// TestUserInfoGrows: what is accepted has a serialisation that is accepted, though
// escaping makes it longer than what was written.
func TestUserInfoGrows(t *testing.T) {
	for _, n := range []int{1300, 1400, 4000, 5000} {
		u, err := parse("http://" + strings.Repeat("\x1e", n) + "@a/")
		if wantErr := 3*n > maxUserInfo; (err != nil) != wantErr {
			t.Errorf("%d bytes to escape: got %v, want an error: %v", n, err, wantErr)
		}
		if err != nil {
			continue
		}
		if _, err := parse(u.href); err != nil {
			t.Errorf("%d bytes to escape: the serialisation: %v", n, err)
		}
	}
}
