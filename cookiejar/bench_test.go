package cookiejar_test

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/cookiejar"
)

// BenchmarkHeader looks cookies up for a request, among many sites and among few.
func BenchmarkHeader(b *testing.B) {
	for _, size := range []struct{ sites, cookies int }{{330, 10}, {60, 50}, {1, 180}} {
		b.Run(fmt.Sprintf("sites=%d/cookies=%d", size.sites, size.cookies), func(b *testing.B) {
			b.ReportAllocs()
			jar := full(b, size.sites, size.cookies)
			r := &cookiejar.Request{URL: parse(b, "https://www.site0.com/a/b")}
			var buf []byte
			for b.Loop() {
				buf = jar.AppendHeader(buf[:0], r)
			}
		})
	}
}

// BenchmarkHeaderParallel has readers only: they must not wait for each other.
func BenchmarkHeaderParallel(b *testing.B) {
	b.ReportAllocs()
	jar := full(b, 330, 10)
	b.RunParallel(func(p *testing.PB) {
		r := &cookiejar.Request{URL: &url.URL{Scheme: "https", Host: "www.site0.com", Path: "/a/b"}}
		var buf []byte
		for p.Next() {
			buf = jar.AppendHeader(buf[:0], r)
		}
	})
}

// BenchmarkReceive stores a cookie again and again.
func BenchmarkReceive(b *testing.B) {
	b.ReportAllocs()
	jar := full(b, 1, 10)
	r := &cookiejar.Request{URL: parse(b, "https://www.site0.com/a/b")}
	for b.Loop() {
		_ = jar.Receive(r, "name1=value; Domain=site0.com; Secure; HttpOnly; SameSite=Lax; Max-Age=3600")
	}
}

// BenchmarkRestore loads a full jar.
func BenchmarkRestore(b *testing.B) {
	b.ReportAllocs()
	cookies := full(b, 330, 10).Snapshot()
	for b.Loop() {
		if left := cookiejar.New(cookiejar.Config{}).Restore(cookies); left != 0 {
			b.Fatal(left)
		}
	}
}

func full(b *testing.B, sites, cookies int) *cookiejar.Jar {
	jar := cookiejar.New(cookiejar.Config{})
	for i := range sites {
		r := &cookiejar.Request{URL: &url.URL{Scheme: "https", Host: fmt.Sprintf("www.site%d.com", i), Path: "/a/b"}}
		for k := range cookies {
			receive(b, jar, r, fmt.Sprintf("name%d=value; Path=%s", k, []string{"/", "/a"}[k%2]))
		}
	}
	return jar
}
