package fuzz_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
)

// FuzzSetCookie receives any field from any URL: what is refused has a reason, what is
// kept can be sent, written again, and survives a snapshot.
func FuzzSetCookie(f *testing.F) {
	f.Add("https://www.example.com/a/b", "a=b; Domain=example.com; Path=/a; Max-Age=60; Secure; HttpOnly; SameSite=Lax; Priority=High")
	f.Add("http://localhost/", "__Host-a=\"b c\"; Path=/; Secure; Partitioned")
	f.Add("https://[::1]:8443/%2f?x", "=b; Expires=Sat, 15-Apr-17 21:01:22 GMT; Domain=[::1]")
	f.Add("https://b\u00fccher.example./", "\t a\t=; Domain=.B\u00dcCHER.example.; ;=;Path")
	f.Add("wss://github.io", "b; Domain=github.io; Max-Age=99999999999999999999")
	f.Fuzz(func(t *testing.T, where, field string) {
		l, err := cookiejar.ParseLine(field)
		if err == nil {
			again, err := cookiejar.ParseLine(l.String())
			if err != nil || again != l {
				t.Errorf("%q: got %+v, %v; want %+v", l.String(), again, err, l)
			}
			if strings.ContainsAny(l.Name+l.Value, "\r\n\x00;") || len(l.Name)+len(l.Value) > 4096 || l.Name+l.Value == "" {
				t.Errorf("%q: got %+v", field, l)
			}
		}
		u, urlErr := url.Parse(where)
		if urlErr != nil {
			t.Skip()
		}
		jar := cookiejar.New(cookiejar.Config{})
		r := &cookiejar.Request{URL: u}
		err = jar.Receive(r, field)
		cookies := jar.Snapshot()
		if err != nil {
			var refused cookiejar.Refused
			if !errors.As(err, &refused) || refused == 0 || len(cookies) != 0 {
				t.Fatalf("got %v and %v", err, cookies)
			}
			return
		}
		header := jar.Header(r)
		if strings.ContainsAny(header, "\r\n\x00;") {
			t.Errorf("got %q", header)
		}
		for _, c := range cookies {
			host := &url.URL{Scheme: u.Scheme, Host: u.Host, RawPath: c.Path, Path: c.Path}
			if p, err := url.PathUnescape(c.Path); err == nil {
				host.Path = p
			}
			if host.EscapedPath() == c.Path && jar.Header(&cookiejar.Request{URL: host}) == "" {
				t.Errorf("%+v is not sent to %s", c, host)
			}
			if c.Expires.After(time.Now().Add(400 * 24 * time.Hour)) {
				t.Errorf("%+v lives too long", c)
			}
		}
		other := cookiejar.New(cookiejar.Config{})
		if left := other.Restore(cookies); left != 0 || other.Header(r) != header {
			t.Errorf("%d of %+v left out; got %q, want %q", left, cookies, other.Header(r), header)
		}
	})
}

// FuzzCookieDate reads any date; what is one is read again from how HTTP writes it.
func FuzzCookieDate(f *testing.F) {
	f.Add("Sat, 15-Apr-17 21:01:22 GMT")
	f.Add("\"31 December 99999 23:59:59\"")
	f.Add("1 2 3:4:5:6 janfeb 29")
	f.Fuzz(func(t *testing.T, s string) {
		date, ok := cookiejar.ParseDate(s)
		if !ok {
			return
		}
		text := date.Format(http.TimeFormat)
		if again, ok := cookiejar.ParseDate(text); !ok || !again.Equal(date) {
			t.Errorf("%q is %s, read again %v, %v", s, text, again, ok)
		}
		if std, err := http.ParseTime(text); date.Year() <= 9999 && (err != nil || !std.Equal(date)) {
			t.Errorf("%s: std reads %v, %v", text, std, err)
		}
	})
}

// FuzzCookieImport reads any cookies.txt and any JSON: what is read a jar takes, and it
// is the same when it is written and read again.
func FuzzCookieImport(f *testing.F) {
	f.Add(true, "# Netscape HTTP Cookie File\n#HttpOnly_.example.com\tTRUE\t/a\tTRUE\t4102444800\ta\t1\n")
	f.Add(true, "127.0.0.1\tFALSE\t/\tFALSE\t0\t\tv\r\nexample.com\tFALSE\t/\tFALSE\t1.5\tx")
	f.Add(false, `[{"name":"a","value":"1","domain":".example.com","path":"/","expirationDate":4102444800.5,"sameSite":"strict"}]`)
	f.Add(false, `[{"name":"a","domain":"x.test","secure":true,"partitionKey":{"topLevelSite":"https://page.test","hasCrossSiteAncestor":true}}]`)
	f.Fuzz(func(t *testing.T, netscape bool, text string) {
		read, write := cookiejar.ReadJSON, cookiejar.WriteJSON
		if netscape {
			read, write = cookiejar.ReadNetscape, cookiejar.WriteNetscape
		}
		cookies, err := read(strings.NewReader(text))
		if err != nil {
			if cookies != nil {
				t.Errorf("got %d cookies with %v", len(cookies), err)
			}
			return
		}
		jar := cookiejar.New(cookiejar.Config{})
		for _, c := range cookies {
			if err := jar.Put(c); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
		var first, second strings.Builder
		if err := write(&first, jar.Snapshot()); err != nil {
			t.Fatal(err)
		}
		again, err := read(strings.NewReader(first.String()))
		if err != nil {
			t.Fatalf("%q: %v", first.String(), err)
		}
		if err := write(&second, again); err != nil || second.String() != first.String() {
			t.Errorf("%v: got %q, want %q", err, second.String(), first.String())
		}
	})
}
