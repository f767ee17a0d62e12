package session_test

import (
	stdtls "crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// TestContract runs the same script against http.Transport and a session's
// RoundTripper and compares what each wrote down: what net/http promises to the
// programs that use it, the session keeps. Where the two differ by design, the
// script leaves that line out and says why.
func TestContract(t *testing.T) {
	for _, sc := range []script{
		{"request is not modified", notModified},
		{"body is always closed", bodyClosed},
		{"get body", getBody},
		{"host and close", hostAndClose},
		{"response", response},
		{"response over TLS", responseTLS},
		{"decoding", decoding},
		{"trailers", trailers},
		{"upgrade", upgrade},
		{"close idle connections", closeIdle},
		{"httptrace", traced},
		{"client timeout", clientTimeout},
		{"cancel after headers", cancelAfterHeaders},
		{"close beside read", closeBesideRead},
		{"read after close", readAfterClose},
		{"bodyless", bodyless},
		{"redirects", redirects},
		{"uploads", uploads},
		{"errors", roundTripErrors},
		{"expect continue", expectContinue},
		{"many headers", manyHeaders},
	} {
		t.Run(sc.name, func(t *testing.T) { sc.compare(t, false) })
	}
}

// TestContractHTTP2 does the same over HTTP/2, where a script says nothing of how
// HTTP/1.1 looks.
func TestContractHTTP2(t *testing.T) {
	for _, sc := range []script{
		{"request is not modified", notModified},
		{"response", responseHTTP2},
		{"decoding", decoding},
		{"trailers", trailers},
		{"bodyless", bodyless},
		{"redirects", redirects},
		{"uploads", uploads},
		{"expect continue", expectContinue},
		{"many headers", manyHeaders},
	} {
		t.Run(sc.name, func(t *testing.T) { sc.compare(t, true) })
	}
}

// A script writes down how a RoundTripper behaves.
type script struct {
	name string
	run  func(*contract)
}

func (sc script) compare(t *testing.T, http2 bool) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	std := &http.Transport{
		TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}, ForceAttemptHTTP2: http2,
		ExpectContinueTimeout: time.Second,
	}
	defer std.CloseIdleConnections()
	ses, err := session.New(session.Config{TLS: tls.Config{Verifier: certverify.New(certverify.Config{Roots: ca.Pool()})}})
	if err != nil {
		t.Fatal(err)
	}
	defer ses.Close(t.Context())
	want := &contract{T: t, rt: std, ca: ca, http2: http2}
	sc.run(want)
	got := &contract{T: t, rt: ses.RoundTripper(), ca: ca, http2: http2}
	sc.run(got)
	if !reflect.DeepEqual(got.lines, want.lines) {
		t.Errorf("session:\n\t%s\nhttp.Transport:\n\t%s", strings.Join(got.lines, "\n\t"), strings.Join(want.lines, "\n\t"))
	}
	if len(want.lines) == 0 {
		t.Error("the script wrote nothing down")
	}
}

// A contract is one run of a script.
type contract struct {
	*testing.T
	rt    http.RoundTripper
	ca    *nettest.CA
	http2 bool // what serve speaks
	lines []string
}

func (c *contract) note(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

// serve starts a server for this run only.
func (c *contract) serve(h http.HandlerFunc) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	if c.http2 {
		srv.EnableHTTP2 = true
		srv.TLS = c.ca.Config("127.0.0.1")
		srv.TLS.NextProtos = nil
		srv.StartTLS()
	} else {
		srv.Start()
	}
	c.Cleanup(srv.Close)
	return srv
}

func (c *contract) request(method, url string, body io.Reader) *http.Request {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, url, body)
	if err != nil {
		c.Fatal(err)
	}
	return req
}

// do sends req and reads the body.
func (c *contract) do(req *http.Request) (*http.Response, string) {
	c.Helper()
	resp, err := c.rt.RoundTrip(req)
	if err != nil {
		c.Fatalf("%T: %v", c.rt, err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.Fatalf("%T: body: %v", c.rt, err)
	}
	resp.Body.Close()
	return resp, string(b)
}

func (c *contract) describe(req *http.Request, resp *http.Response, body string) {
	h := resp.Header.Clone()
	h.Del("Date")
	c.note("%s %s %d.%d status %d length %d te %v close %v uncompressed %v own request %v header %v trailer %v body %.40q",
		resp.Status, resp.Proto, resp.ProtoMajor, resp.ProtoMinor, resp.StatusCode, resp.ContentLength,
		resp.TransferEncoding, resp.Close, resp.Uncompressed, resp.Request == req, h, resp.Trailer, body)
}
