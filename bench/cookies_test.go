package main

import (
	"fmt"
	"net/http"
	stdjar "net/http/cookiejar"
	"net/url"
	"testing"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/kaon-net/kaon/cookiejar"
)

// BenchmarkCookieLookup looks up what a request sends, among many sites and among few,
// in Kaon's jar and in std's in turn. append is the way of Kaon's requests, and Cookies
// that of any http.Client.
func BenchmarkCookieLookup(b *testing.B) {
	for _, size := range []struct{ sites, cookies int }{{1000, 10}, {200, 50}} {
		jar, std := filledJars(b, size.sites, size.cookies)
		u := &url.URL{Scheme: "https", Host: "www.site7.com", Path: "/a/b"}
		b.Run(fmt.Sprintf("sites=%d/cookies=%d/by=append", size.sites, size.cookies), func(b *testing.B) {
			var buf []byte
			inTurn(b, 0.25, 2, func() {
				buf = jar.AppendHeader(buf[:0], &cookiejar.Request{URL: u})
			}, func() { std.Cookies(u) })
			if want := size.cookies*len("name0=value; ") - 2; len(buf) < want {
				b.Fatalf("got %d bytes, want %d at least", len(buf), want)
			}
		})
		b.Run(fmt.Sprintf("sites=%d/cookies=%d/by=Cookies", size.sites, size.cookies), func(b *testing.B) {
			inTurn(b, 1, 22, func() { jar.Cookies(u) }, func() { std.Cookies(u) })
		})
	}
}

// BenchmarkCookieSet stores the three cookies of a response again and again, from the
// header's text on, and as http.Client has them.
func BenchmarkCookieSet(b *testing.B) {
	jar, std := filledJars(b, 1, 10)
	u := &url.URL{Scheme: "https", Host: "www.site0.com", Path: "/a/b"}
	lines := []string{"a=1; Path=/", "b=2; Domain=site0.com; Secure; HttpOnly; SameSite=Lax", "c=3; Max-Age=3600"}
	r := &cookiejar.Request{URL: u}
	resp := http.Response{Header: http.Header{"Set-Cookie": lines}}
	b.Run("by=text", func(b *testing.B) {
		inTurn(b, 1, 0, func() {
			for _, line := range lines {
				if err := jar.Receive(r, line); err != nil {
					b.Fatal(err)
				}
			}
		}, func() { std.SetCookies(u, resp.Cookies()) })
	})
	list := resp.Cookies()
	b.Run("by=SetCookies", func(b *testing.B) {
		inTurn(b, 1, 0, func() { jar.SetCookies(u, list) }, func() { std.SetCookies(u, list) })
	})
}

// BenchmarkCookieLoad restores as many cookies as a jar keeps, which is to take less than
// 20 ms.
func BenchmarkCookieLoad(b *testing.B) {
	jar, _ := filledJars(b, 330, 10)
	cookies := jar.Snapshot()
	b.ReportAllocs()
	for b.Loop() {
		if left := cookiejar.New(cookiejar.Config{}).Restore(cookies); left != 0 || len(cookies) != 3300 {
			b.Fatal(left, len(cookies))
		}
	}
	b.ReportMetric(20, "target-ms")
}

// BenchmarkCookieReaders has as many readers as there are processors: Kaon's jar is to
// serve them at once.
func BenchmarkCookieReaders(b *testing.B) {
	jar, std := filledJars(b, 200, 50)
	for _, bb := range []struct {
		name string
		look func(*url.URL, []byte) []byte
	}{
		{"jar=kaon", func(u *url.URL, buf []byte) []byte { return jar.AppendHeader(buf, &cookiejar.Request{URL: u}) }},
		{"jar=net-http", func(u *url.URL, buf []byte) []byte { std.Cookies(u); return buf }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				u := &url.URL{Scheme: "https", Host: "www.site7.com", Path: "/a/b"}
				var buf []byte
				for p.Next() {
					buf = bb.look(u, buf[:0])
				}
			})
		})
	}
}

// inTurn runs Kaon's way and std's by turns, so that both meet the same machine, and
// reports what share of std's time Kaon's took beside what it may take, and its
// allocations beside what there may be; 0 is no target.
func inTurn(b *testing.B, share, allocs float64, kaon, std func()) {
	const block = 50
	var took [2]time.Duration
	for b.Loop() {
		for i, f := range []func(){kaon, std} {
			start := time.Now()
			for range block {
				f()
			}
			took[i] += time.Since(start)
		}
	}
	calls := float64(b.N * block)
	b.ReportMetric(0, "ns/op") // of both, which says nothing
	b.ReportMetric(float64(took[0])/calls, "kaon-ns")
	b.ReportMetric(float64(took[1])/calls, "std-ns")
	b.ReportMetric(float64(took[0])/float64(took[1]), "of-std")
	b.ReportMetric(share, "target-of-std")
	b.ReportMetric(testing.AllocsPerRun(100, kaon), "kaon-allocs")
	b.ReportMetric(testing.AllocsPerRun(100, std), "std-allocs")
	if allocs > 0 {
		b.ReportMetric(allocs, "target-allocs")
	}
}

// filledJars returns jars with the same cookies.
func filledJars(b *testing.B, sites, cookies int) (*cookiejar.Jar, *stdjar.Jar) {
	jar := cookiejar.New(cookiejar.Config{})
	std, err := stdjar.New(&stdjar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		b.Fatal(err)
	}
	for i := range sites {
		u := &url.URL{Scheme: "https", Host: fmt.Sprintf("www.site%d.com", i), Path: "/a/b"}
		var list []*http.Cookie
		for k := range cookies {
			list = append(list, &http.Cookie{Name: fmt.Sprintf("name%d", k), Value: "value", Path: []string{"/", "/a"}[k%2]})
		}
		jar.SetCookies(u, list)
		std.SetCookies(u, list)
	}
	return jar, std
}
