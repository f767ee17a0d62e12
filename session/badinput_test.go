package session_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// noNames is a system that knows no name, whatever network the test runs in.
type noNames struct{}

func (noNames) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// everyName is a system's resolver that knows all names.
type everyName struct{}

func (everyName) LookupNetIP(_ context.Context, network, _ string) ([]netip.Addr, error) {
	if network == "ip6" {
		return nil, nil
	}
	return []netip.Addr{netip.MustParseAddr("192.0.2.1")}, nil
}

// A badInput is a server that does one thing wrong and what that has to come to. A
// code of 0 is no error: Chromium lets it pass, too.
type badInput struct {
	name  string
	serve func(*nettest.Conn) // after the request's head was read
	want  neterr.Code
	body  string // what was read of the body
	tls   bool   // over TLS only
	plain bool   // without TLS only
}

// raw is a server that answers with these bytes, and closes.
func raw(s string) func(*nettest.Conn) {
	return func(c *nettest.Conn) { c.Print(s) }
}

// held is a server that answers with these bytes and keeps the connection open.
func held(s string) func(*nettest.Conn) {
	return func(c *nettest.Conn) { c.Print(s); c.WaitClose() }
}

// runBad tries every case through both doors, over TCP and over TLS.
func runBad(t *testing.T, cases []badInput) {
	ca := nettest.NewCA()
	for _, tt := range cases {
		for _, d := range doors {
			for _, secure := range []bool{false, true} {
				if secure && tt.plain || !secure && tt.tls {
					continue
				}
				name := tt.name + "/" + d.name
				if secure {
					name += "/TLS"
				}
				t.Run(name, func(t *testing.T) { tt.run(t, ca, d, secure) })
			}
		}
	}
}

func (tt *badInput) run(t *testing.T, ca *nettest.CA, d door, secure bool) {
	nettest.CheckGoroutines(t)
	ctx, cancel := context.WithTimeout(t.Context(), never)
	defer cancel()
	s := newSession(t, trusting(ca))
	serve := func(c *nettest.Conn) {
		if _, err := c.ReadHead(); err == nil {
			tt.serve(c)
		}
	}
	var srv *nettest.Server
	if secure {
		srv = nettest.NewTLSServer(t, ca.Config("127.0.0.1"), serve)
	} else {
		srv = nettest.NewServer(t, serve)
	}
	tt.check(t, d.do(ctx, s, call{url: srv.URL() + "/"}))
	wantUsable(t, ctx, s, d)
}

func (tt *badInput) check(t *testing.T, a answer) {
	t.Helper()
	switch {
	case tt.want == 0 && a.err != nil:
		t.Errorf("got %v, want no error", a.err)
	case tt.want != 0 && !errors.Is(a.err, tt.want):
		t.Errorf("got %v (status %d, body %.40q), want %v", a.err, a.status, a.body, tt.want)
	case tt.want != 0 && neterr.CodeOf(a.err) != tt.want:
		t.Errorf("the error's code is %v, want %v", neterr.CodeOf(a.err), tt.want)
	}
	if a.body != tt.body {
		t.Errorf("body: got %.60q, want %.60q", a.body, tt.body)
	}
}

func TestBadHeads(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("X-Filler: "+strings.Repeat("x", 100)+"\r\n", n) }
	runBad(t, []badInput{
		{name: "another protocol", serve: raw("SSH-2.0-OpenSSH_9.2p1\r\n"), want: neterr.InvalidHTTPResponse},
		{name: "binary", serve: raw("\x15\x03\x01\x00\x02\x02\x46\x00\x00\x00"), want: neterr.InvalidHTTPResponse},
		{name: "too much before the status line", serve: raw("12345HTTP/1.1 200 OK\r\n\r\n"), want: neterr.InvalidHTTPResponse},
		{name: "a little before the status line", serve: raw("1234" + okResponse), body: "ok"},
		{name: "status beyond an int", serve: raw("HTTP/1.1 99999999999 OK\r\n\r\n"), want: neterr.InvalidHTTPResponse},
		{name: "NUL in the status line", serve: raw("HTTP/1.1 200 O\x00K\r\n\r\n"), want: neterr.InvalidHTTPResponse},
		{name: "NUL in a field", serve: raw("HTTP/1.1 200 OK\r\nA: \x00\r\n\r\n"), want: neterr.InvalidHTTPResponse},
		{name: "no status", serve: raw("HTTP/1.1\r\nContent-Length: 2\r\n\r\nok"), body: "ok"},
		{name: "version from the future", serve: raw("HTTP/7.3 200 OK\r\nContent-Length: 2\r\n\r\nok"), body: "ok"},
		{name: "fields without sense", serve: raw("HTTP/1.1 200 OK\r\n: x\r\nno colon\r\nb@d: x\r\nContent-Length: 2\r\n\r\nok"), body: "ok"},
		{name: "junk after a 1xx", serve: raw("HTTP/1.1 100 Continue\r\n\r\nnot a status line\r\n\r\n"), want: neterr.InvalidHTTPResponse},

		{name: "two lengths", serve: raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"), want: neterr.ResponseHeadersMultipleContentLength},
		{name: "one length twice", serve: raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"), body: "ok"},
		{name: "two dispositions", serve: raw("HTTP/1.1 200 OK\r\nContent-Disposition: a\r\nContent-Disposition: b\r\n\r\n"), want: neterr.ResponseHeadersMultipleContentDisposition},
		{name: "two locations", serve: raw("HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\n\r\n"), want: neterr.ResponseHeadersMultipleLocation},

		{name: "bomb of one field", serve: held("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10)), want: neterr.ResponseHeadersTooBig},
		{name: "bomb of many fields", serve: held("HTTP/1.1 200 OK\r\n" + lines(3000)), want: neterr.ResponseHeadersTooBig},
		{name: "bomb of a status line", serve: held("HTTP/1.1 200 " + strings.Repeat("O", 300<<10)), want: neterr.ResponseHeadersTooBig},
		{name: "bomb of 1xx", serve: func(c *nettest.Conn) {
			for c.Print("HTTP/1.1 103 Early Hints\r\n"+lines(10)+"\r\n") == nil {
			}
		}, want: neterr.ResponseHeadersTooBig},
		{name: "a large head that fits", serve: raw("HTTP/1.1 200 OK\r\n" + lines(2000) + "Content-Length: 2\r\n\r\nok"), body: "ok"},

		{name: "cut in a field", plain: true, serve: raw("HTTP/1.1 200 OK\r\nA: b\r\nC: "), body: ""},
		{name: "cut in a field", tls: true, serve: raw("HTTP/1.1 200 OK\r\nA: b\r\nC: "), want: neterr.ResponseHeadersTruncated},
		{name: "cut in the status line", tls: true, serve: raw("HTTP/1.1 20"), want: neterr.ResponseHeadersTruncated},
		{name: "cut without goodbye", tls: true, serve: func(c *nettest.Conn) { c.Print("HTTP/1.1 200 OK\r\nA"); c.Cut() }, want: neterr.ResponseHeadersTruncated},
		{name: "cut before the status line is clear", plain: true, serve: raw("HT"), want: neterr.InvalidHTTPResponse},
		{name: "cut after a 1xx", serve: raw("HTTP/1.1 103 Early Hints\r\n\r\n"), want: neterr.ConnectionClosed},
	})
}

func TestBadBodies(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	const chunked = head + "Transfer-Encoding: chunked\r\n\r\n"
	runBad(t, []badInput{
		{name: "length too long", serve: raw(head + "Content-Length: 10\r\n\r\nshort"), want: neterr.ContentLengthMismatch, body: "short"},
		{name: "length too long, cut", tls: true, serve: func(c *nettest.Conn) { c.Print(head + "Content-Length: 10\r\n\r\nshort"); c.Cut() }, want: neterr.ContentLengthMismatch, body: "short"},
		{name: "length too short", serve: raw(head + "Content-Length: 2\r\n\r\nok and more"), body: "ok"},
		{name: "length negative", serve: raw(head + "Content-Length: -5\r\n\r\nuntil close"), body: "until close"},
		{name: "length with a sign", serve: raw(head + "Content-Length: +5\r\n\r\nuntil close"), body: "until close"},
		{name: "length no number", serve: raw(head + "Content-Length: many\r\n\r\nuntil close"), body: "until close"},
		{name: "length beyond an int64", serve: raw(head + "Content-Length: 99999999999999999999\r\n\r\nuntil close"), body: "until close"},
		{name: "length lies beside chunked", serve: raw(head + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), body: "ok"},
		{name: "until close without goodbye", tls: true, serve: func(c *nettest.Conn) { c.Print(head + "\r\nok"); c.Cut() }, body: "ok"},

		{name: "chunked, cut before the first", serve: raw(chunked), want: neterr.IncompleteChunkedEncoding},
		{name: "chunked, cut in a size", serve: raw(chunked + "2\r\nok\r\n1"), want: neterr.IncompleteChunkedEncoding, body: "ok"},
		{name: "chunked, cut in data", serve: raw(chunked + "10\r\nok"), want: neterr.IncompleteChunkedEncoding, body: "ok"},
		{name: "chunked, cut after data", serve: raw(chunked + "2\r\nok"), want: neterr.IncompleteChunkedEncoding, body: "ok"},
		{name: "chunked, cut between", serve: raw(chunked + "2\r\nok\r\n"), want: neterr.IncompleteChunkedEncoding, body: "ok"},
		{name: "chunked, cut before the last line", serve: raw(chunked + "2\r\nok\r\n0\r\n"), want: neterr.IncompleteChunkedEncoding, body: "ok"},
		{name: "chunked, cut in a trailer", serve: raw(chunked + "2\r\nok\r\n0\r\nX: y"), want: neterr.IncompleteChunkedEncoding, body: "ok"},
		{name: "chunked, no size", serve: held(chunked + "\r\nok\r\n"), want: neterr.InvalidChunkedEncoding},
		{name: "chunked, no hex", serve: held(chunked + "zz\r\nok\r\n"), want: neterr.InvalidChunkedEncoding},
		{name: "chunked, negative", serve: held(chunked + "-2\r\nok\r\n"), want: neterr.InvalidChunkedEncoding},
		{name: "chunked, 0x", serve: held(chunked + "0x2\r\nok\r\n"), want: neterr.InvalidChunkedEncoding},
		{name: "chunked, size beyond an int64", serve: held(chunked + "ffffffffffffffff\r\nok\r\n"), want: neterr.InvalidChunkedEncoding},
		{name: "chunked, longer than it says", serve: held(chunked + "2\r\nokay\r\n0\r\n\r\n"), want: neterr.InvalidChunkedEncoding, body: "ok"},
		{name: "chunked, endless size line", serve: held(chunked + "2;" + strings.Repeat("x", 20<<10)), want: neterr.InvalidChunkedEncoding},
		{name: "chunked, trailer bomb", serve: held(chunked + "0\r\n" + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 300)), want: neterr.ResponseHeadersTooBig},
	})
}

func TestBadCodings(t *testing.T) {
	coded := func(coding, body string) func(*nettest.Conn) {
		return raw("HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + "\r\nConnection: close\r\n\r\n" + body)
	}
	garbage := strings.Repeat("\xff\xfe garbage \x00", 200)
	// The frame header asks for a window of 16 MiB, twice what Chromium grants.
	const wideZstd = "\x28\xb5\x2f\xfd\x00\x70\x01\x00\x00"
	runBad(t, []badInput{
		{name: "gzip", serve: coded("gzip", garbage), want: neterr.ContentDecodingFailed},
		{name: "x-gzip", serve: coded("X-GZip", garbage), want: neterr.ContentDecodingFailed},
		{name: "deflate", serve: coded("deflate", garbage), want: neterr.ContentDecodingFailed},
		{name: "br", serve: coded("br", garbage), want: neterr.ContentDecodingFailed},
		{name: "zstd", serve: coded("zstd", garbage), want: neterr.ContentDecodingFailed},
		{name: "gzip, garbage within", serve: coded("gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"+garbage), want: neterr.ContentDecodingFailed},
		{name: "zstd, window too wide", serve: coded("zstd", wideZstd), want: neterr.ZstdWindowSizeTooBig},
		{name: "stacked", serve: coded("gzip, br", garbage), want: neterr.ContentDecodingFailed},
		{name: "eleven codings", serve: coded(strings.Repeat("gzip, ", 10)+"gzip", garbage), want: neterr.ContentDecodingInitFailed},
		{name: "unknown coding", serve: coded("rot13", garbage), body: garbage},
		{name: "nothing at all", serve: coded("gzip", ""), body: ""},
		{name: "gzip, cut in the coded body", serve: raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n\x1f\x8b\x08"), want: neterr.ContentLengthMismatch},
	})
}
