package cache

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

func TestDirectives(t *testing.T) {
	none := noDirectives()
	with := func(edit func(*directives)) directives {
		d := none
		edit(&d)
		return d
	}
	tests := []struct {
		name   string
		fields []string
		want   directives
	}{
		{"none", nil, none},
		{"empty", []string{"", " , ,"}, none},
		{"all of a response", []string{"public, max-age=5, stale-while-revalidate=6, stale-if-error=7, must-revalidate, must-understand, immutable, no-store, no-cache"}, with(func(d *directives) {
			d.explicit, d.maxAge, d.staleWhileRevalidate, d.staleIfError = true, 5*time.Second, 6*time.Second, 7*time.Second
			d.mustRevalidate, d.mustUnderstand, d.immutable, d.noStore, d.noCache = true, true, true, true, true
		})},
		{"all of a request", []string{"max-stale=5, min-fresh=6, only-if-cached"}, with(func(d *directives) {
			d.maxStale, d.minFresh, d.onlyIfCached = 5*time.Second, 6*time.Second, true
		})},
		{"max-stale alone", []string{"max-stale"}, with(func(d *directives) { d.maxStale = forever })},
		{"max-stale with what is no number", []string{"max-stale=x"}, none},
		{"the first counts", []string{"max-age=1", "max-age=2"}, with(func(d *directives) { d.maxAge = time.Second })},
		{"the first counts though it is bad", []string{"max-age=x, max-age=2"}, with(func(d *directives) { d.badMaxAge = true })},
		{"overflow", []string{"max-age=" + strings.Repeat("9", 400)}, with(func(d *directives) { d.maxAge = forever })},
		{"quoted", []string{`max-age="6"`}, with(func(d *directives) { d.maxAge = 6 * time.Second })},
		{"fields", []string{`no-cache="A, B", private="C"`, "no-cache=D"}, with(func(d *directives) {
			d.noCacheFields, d.explicit = "A, B,D", true
		})},
		{"no fields", []string{`no-cache=""`}, with(func(d *directives) { d.noCache = true })},
		{"escapes", []string{`x="a\",no-store", max-age=1`}, with(func(d *directives) { d.maxAge = time.Second })},
		{"an open string", []string{`x="a, no-store`, "max-age=1"}, with(func(d *directives) { d.maxAge = time.Second })},
		{"an open escape", []string{`x="a\`}, none},
		{"rubbish behind a string", []string{`x="a"no-store, max-age=1`}, with(func(d *directives) { d.maxAge = time.Second })},
		{"names that begin alike", []string{"no-stores, xpublic, max-aged=1, publi"}, none},
		{"spaces", []string{" MAX-AGE = 6 ,\tNo-Store "}, with(func(d *directives) { d.maxAge, d.noStore = 6*time.Second, true })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f exchange.Fields
			for _, v := range tt.fields {
				f.Add("cache-control", v)
			}
			if got := parseDirectives(f); got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestDate(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, s := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		if got, ok := parseDate(s, now); !ok || !got.Equal(want) {
			t.Errorf("%q: got %v %v, want %v", s, got, ok, want)
		}
	}
	for _, s := range []string{"", "0", "-1", "never", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "784111777", "Sun, 32 Nov 1994 08:49:37 GMT"} {
		if got, ok := parseDate(s, now); ok {
			t.Errorf("%q is a date: %v", s, got)
		}
	}
	// RFC 9110 section 5.6.7: more than 50 years ahead is the century before.
	late := time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC)
	if got, _ := parseDate("Sunday, 06-Nov-68 08:49:37 GMT", late); got.Year() != 1968 {
		t.Errorf("68 of 2018 is %d, want 1968", got.Year())
	}
	if got, _ := parseDate("Sunday, 06-Nov-66 08:49:37 GMT", late); got.Year() != 2066 {
		t.Errorf("66 of 2018 is %d, want 2066", got.Year())
	}
}

func TestRange(t *testing.T) {
	tests := []struct {
		in       string
		ok       bool
		from, to int64 // of a body of 10
		fits     bool
	}{
		{"bytes=0-0", true, 0, 1, true},
		{"bytes=2-5", true, 2, 6, true},
		{"BYTES=2-", true, 2, 10, true},
		{"bytes=-3", true, 7, 10, true},
		{"bytes=-30", true, 0, 10, true},
		{"bytes=9-30", true, 9, 10, true},
		{"bytes=10-", true, 0, 0, false},
		{"bytes=-0", true, 0, 0, false},
		{"bytes=0-9223372036854775807", true, 0, 10, true},
		{"bytes=9223372036854775808-", false, 0, 0, false},
		{"bytes=5-2", false, 0, 0, false},
		{"bytes=-", false, 0, 0, false},
		{"bytes=", false, 0, 0, false},
		{"bytes=1", false, 0, 0, false},
		{"bytes=+1-2", false, 0, 0, false},
		{"bytes=1--2", false, 0, 0, false},
		{"bytes=0-1,3-4", false, 0, 0, false},
		{"lines=0-1", false, 0, 0, false},
		{"", false, 0, 0, false},
	}
	for _, tt := range tests {
		r, ok := parseRange(tt.in)
		if ok != tt.ok {
			t.Errorf("%q: ok %v", tt.in, ok)
			continue
		}
		if !ok {
			continue
		}
		if from, to, fits := r.within(10); fits != tt.fits || fits && (from != tt.from || to != tt.to) {
			t.Errorf("%q within 10: got %d %d %v, want %d %d %v", tt.in, from, to, fits, tt.from, tt.to, tt.fits)
		}
	}
}

func TestContentRange(t *testing.T) {
	tests := []struct {
		in   string
		want contentRange
		ok   bool
	}{
		{"bytes 0-4/10", contentRange{0, 4, 10}, true},
		{"bytes 0-4/*", contentRange{0, 4, -1}, true},
		{"bytes 0-9/10", contentRange{0, 9, 10}, true},
		{"bytes 0-10/10", contentRange{}, false},
		{"bytes 4-0/10", contentRange{}, false},
		{"bytes */10", contentRange{}, false},
		{"bytes 0-4", contentRange{}, false},
		{"bytes=0-4/10", contentRange{}, false},
		{"bytes 0-4/99999999999999999999", contentRange{}, false},
		{"", contentRange{}, false},
	}
	for _, tt := range tests {
		if got, ok := parseContentRange(tt.in); ok != tt.ok || ok && got != tt.want {
			t.Errorf("%q: got %v %v, want %v %v", tt.in, got, ok, tt.want, tt.ok)
		}
	}
}

// extents are made of offsets and lengths in turn.
func extents(n ...int64) (e []store.Extent) {
	for i := 0; i < len(n); i += 2 {
		e = append(e, store.Extent{Off: n[i], Len: n[i+1]})
	}
	return e
}

func TestExtents(t *testing.T) {
	tests := []struct {
		name string
		add  []store.Extent
		want []store.Extent
	}{
		{"in order", extents(0, 2, 2, 3), extents(0, 5)},
		{"behind", extents(5, 1, 0, 1), extents(0, 1, 5, 1)},
		{"closing a gap", extents(0, 2, 4, 2, 2, 2), extents(0, 6)},
		{"before another", extents(4, 2, 2, 2), extents(2, 4)},
		{"in the middle", extents(0, 1, 8, 1, 4, 1), extents(0, 1, 4, 1, 8, 1)},
	}
	for _, tt := range tests {
		var got []store.Extent
		for _, e := range tt.add {
			got = addExtent(got, e)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestClock: whatever the clock does, nothing gets immortal.
func TestClock(t *testing.T) {
	received := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	head := &store.Head{
		Status: 200, RequestTime: received, ResponseTime: received,
		Header: exchange.FieldsOf("Date", "Thu, 01 Jan 2026 00:00:00 GMT", "Cache-Control", "max-age=60, stale-while-revalidate=60, stale-if-error=60"),
	}
	at := func(now time.Time) verdict {
		c := &call{}
		c.plan.read(&exchange.Request{})
		s := &found{head: head, rules: rulesOf(head)}
		s.age, s.aged = ageAt(head, &s.rules, now)
		return c.judge(s)
	}
	tests := []struct {
		name string
		now  time.Time
		want verdict
	}{
		{"at once", received, usable},
		{"before its time", received.Add(59 * time.Second), usable},
		{"after it", received.Add(60 * time.Second), refreshing},
		{"long after it", received.Add(120 * time.Second), unusable},
		{"a century ahead", received.AddDate(100, 0, 0), unusable},
		{"300 years ahead", received.AddDate(300, 0, 0), unusable},
		{"set back a second", received.Add(-time.Second), unusable},
		{"set back to the epoch", time.Unix(0, 0), unusable},
	}
	for _, tt := range tests {
		if got := at(tt.now); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.name, got, tt.want)
		}
	}
	// A request that went out later than its answer came makes nothing younger.
	head.RequestTime = received.Add(time.Hour)
	if r := readRules(head); r.Age != 0 {
		t.Errorf("age %v, want 0", r.Age)
	}
	// A refresh that is to be done in a year was noted by another clock.
	late := &store.Head{RefreshBy: received.AddDate(1, 0, 0)}
	if refreshable(late, received) {
		t.Error("a refresh is waited for for a year")
	}
}

func TestKeyURL(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"http://a.test", "http://a.test/"},
		{"http://A.Test:80/x", "http://a.test/x"},
		{"https://a.test:443/?", "https://a.test/?"},
		{"http://u:p@a.test/#f", "http://a.test/"},
		{"http://a.test/a%2Fb%0A", "http://a.test/a%2Fb%0A"},
		{"http://[::1]:8080/", "http://[::1]:8080/"},
		{"http://b\u00fccher.test/", "http://xn--bcher-kva.test/"},
	} {
		if got := keyURL(&exchange.Request{URL: mustParse(t, tt.in)}); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
	u := mustParse(t, "http://a.test/x")
	u.Path, u.Opaque = "", "/a|b"
	if got := keyURL(&exchange.Request{URL: u}); got != "http://a.test/a|b" {
		t.Errorf("a path that net/url would escape: got %q", got)
	}
}

func TestVaryValue(t *testing.T) {
	h := exchange.FieldsOf("A", "1", "a", " 2 ", "Empty", "", "Cookie", "secret=1", "Long", strings.Repeat("x", 1<<20))
	if got := varyValue(h, "a"); got != "1, 2" {
		t.Errorf("got %q", got)
	}
	if got := varyValue(h, "empty"); got != "" {
		t.Errorf("an empty value is %q", got)
	}
	if got := varyValue(h, "none"); got != varyAbsent {
		t.Errorf("none is %q", got)
	}
	if got := varyValue(h, "cookie"); strings.Contains(got, "secret") {
		t.Errorf("a cookie is stored as it is: %q", got)
	}
	if got := varyValue(h, "long"); len(got) > 100 {
		t.Errorf("a long value takes %d bytes", len(got))
	}
}

// FuzzParse holds that nothing that comes from outside makes the parsers do anything
// strange.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"max-age=60, no-cache=\"a, b\"", "bytes=0-5", "bytes 0-5/10", "x=\"\\", "Accept, *", "Sunday, 06-Nov-68 08:49:37 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := parseDirectives(exchange.FieldsOf("Cache-Control", s))
		for _, v := range []time.Duration{d.maxAge, d.maxStale, d.minFresh, d.staleIfError, d.staleWhileRevalidate} {
			if v < absent || v > forever {
				t.Errorf("%q: a delta of %v", s, v)
			}
		}
		if r, ok := parseRange(s); ok {
			if from, to, ok := r.within(1000); ok && (from < 0 || to > 1000 || from >= to) {
				t.Errorf("%q: %d to %d of 1000", s, from, to)
			}
		}
		if r, ok := parseContentRange(s); ok {
			if r.first < 0 || r.last < r.first || r.length >= 0 && r.length <= r.last {
				t.Errorf("%q: %+v", s, r)
			}
			if r.length >= 0 {
				again, ok := parseContentRange(contentRangeValue(r.first, r.last+1, r.length))
				if !ok || again != r {
					t.Errorf("%q: %+v and back %+v", s, r, again)
				}
			}
		}
		names, star := varyNames(exchange.FieldsOf("Vary", s))
		if len(names) > maxVary || star && names != nil {
			t.Errorf("%q: %d names", s, len(names))
		}
		h := &store.Head{Status: 200, Header: exchange.FieldsOf("Expires", s, "Date", s, "Age", s, "Last-Modified", s, "Cache-Control", s)}
		if r := readRules(h); r.Lifetime < 0 || r.Lifetime > forever || r.Age < 0 {
			t.Errorf("%q: %+v", s, r)
		}
	})
}

func mustParse(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
