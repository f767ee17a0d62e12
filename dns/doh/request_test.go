package doh_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// What Chromium 156 was seen to ask for the HTTPS record of probe.test, without the
// zeros of the padding at the end.
const (
	capturedPath = "/dns-query?dns=AAABAAABAAAAAAABBXByb2JlBHRlc3QAAEEAAQAAKRAAAAAAAABZAAwAVQ"
	capturedBody = "0000010000010000000000010570726f6265047465737400004100010000291000000000000059000c0055"
)

// TestRequests compares with what Chromium was seen to send.
func TestRequests(t *testing.T) {
	body, err := hex.DecodeString(capturedBody)
	if err != nil {
		t.Fatal(err)
	}
	body = append(body, make([]byte, dnswire.PaddingBlock-len(body))...)
	common := http.Header{
		"Accept": {"application/dns-message"}, "Accept-Language": {"*"},
		"User-Agent": {"Chrome"}, "Accept-Encoding": {"identity"},
	}
	posted := common.Clone()
	posted.Set("Content-Type", "application/dns-message")
	for _, c := range []struct {
		method, template, uri string
		header                http.Header
		body                  []byte
	}{
		{"GET", "https://dns.test/dns-query{?dns}", capturedPath + strings.Repeat("A", 113), common, nil},
		{"POST", "https://dns.test/dns-query", "/dns-query", posted, body},
	} {
		t.Run(c.method, func(t *testing.T) {
			client := doh.New(doh.Config{Servers: []doh.Server{server(t, c.template)}, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
				var got []byte
				if r.Body != nil {
					got, _ = io.ReadAll(r.Body)
				}
				if r.Method != c.method || r.URL.RequestURI() != c.uri || !bytes.Equal(got, c.body) || r.ContentLength != int64(len(c.body)) {
					t.Errorf("got  %s %s %x\nwant %s %s %x", r.Method, r.URL.RequestURI(), got, c.method, c.uri, c.body)
				}
				if !reflect.DeepEqual(r.Header, c.header) {
					t.Errorf("got %v, want %v", r.Header, c.header)
				}
				return nil, neterr.ConnectionRefused
			})})
			defer client.Close()
			_, err := client.Query(t.Context(), dnswire.Question{Name: "probe.test", Type: dnswire.HTTPS}, netlog.Source{})
			if !errors.Is(err, neterr.ConnectionRefused) {
				t.Errorf("got %v, want %v", err, neterr.ConnectionRefused)
			}
		})
	}
}

// TestOptions: Kaon's own transport is told whose request it is.
func TestOptions(t *testing.T) {
	var keys []any
	own := exchange.HTTP(exchange.RoundTripperFunc(func(_ context.Context, r *exchange.Request) (*exchange.Response, error) {
		defer r.CloseBody()
		want := exchange.DisableCache | exchange.BypassProxy
		if r.Method == http.MethodPost {
			want |= exchange.RetryAnyMethod
		}
		if r.SecureDNS != exchange.SecureDNSBootstrap || r.Credentials != exchange.Omit || r.Priority != exchange.Idle || r.LoadFlags != want {
			t.Errorf("%s: got %v %v %v %x", r.Method, r.SecureDNS, r.Credentials, r.Priority, r.LoadFlags)
		}
		if !r.IsReplayable() {
			t.Errorf("%s: cannot be sent again", r.Method)
		}
		keys = append(keys, r.Key)
		return nil, neterr.ConnectionRefused
	}))
	for range 2 {
		c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://a.test/"), server(t, "https://b.test/{?dns}")}, HTTP: own})
		if _, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{}); !errors.Is(err, neterr.ConnectionRefused) {
			t.Errorf("got %v, want %v", err, neterr.ConnectionRefused)
		}
		c.Close()
	}
	if len(keys) != 4 || keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("got keys %v, want one for each client", keys)
	}
}

// TestResponses: what is no answer has its error.
func TestResponses(t *testing.T) {
	// with changes a good response.
	with := func(change func(*http.Response)) roundTripper {
		return func(r *http.Request) (*http.Response, error) {
			resp, err := answering(r)
			if err == nil {
				change(resp)
			}
			return resp, err
		}
	}
	body := func(change func([]byte) []byte) roundTripper {
		return with(func(r *http.Response) {
			b, _ := io.ReadAll(r.Body)
			b = change(b)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		})
	}
	kind := func(v string) roundTripper {
		return with(func(r *http.Response) { r.Header.Set("Content-Type", v) })
	}
	status := func(n int) roundTripper {
		return with(func(r *http.Response) { r.StatusCode = n })
	}
	rcode := func(n byte) roundTripper {
		return body(func(b []byte) []byte { b[3] |= n; return b })
	}
	fails := func(err error) roundTripper {
		return func(*http.Request) (*http.Response, error) { return nil, err }
	}
	for _, c := range []struct {
		name string
		http roundTripper
		want error // nil for an answer
	}{
		{"good", answering, nil},
		{"type with a parameter", kind("Application/DNS-Message; x=y"), nil},
		{"no length", with(func(r *http.Response) { r.ContentLength = -1 }), nil},
		{"HTML", kind("text/html"), neterr.DNSMalformedResponse},
		{"no type", with(func(r *http.Response) { r.Header.Del("Content-Type") }), neterr.DNSMalformedResponse},
		{"204", status(204), neterr.DNSMalformedResponse},
		{"redirect", with(func(r *http.Response) {
			r.StatusCode = 302
			r.Header.Set("Location", "https://other.test/")
		}), neterr.DNSMalformedResponse},
		{"500", status(500), neterr.DNSMalformedResponse},
		{"empty", body(func([]byte) []byte { return nil }), neterr.DNSMalformedResponse},
		{"cut", body(func(b []byte) []byte { return b[:len(b)-1] }), neterr.DNSMalformedResponse},
		{"announced too long", with(func(r *http.Response) { r.ContentLength = 1 << 16 }), neterr.DNSMalformedResponse},
		{"too long", with(func(r *http.Response) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 1<<17))), -1
		}), neterr.DNSMalformedResponse},
		{"another question", body(func(b []byte) []byte { b[13] = 'x'; return b }), neterr.DNSMalformedResponse},
		{"another id", body(func(b []byte) []byte { b[0] = 1; return b }), neterr.DNSMalformedResponse},
		{"truncated", body(func(b []byte) []byte { b[2] |= 2; return b }), neterr.DNSMalformedResponse},
		{"FORMERR", rcode(1), neterr.DNSFormatError},
		{"SERVFAIL", rcode(2), neterr.DNSServerFailure},
		{"REFUSED", rcode(5), neterr.DNSRefused},
		{"the body breaks off", with(func(r *http.Response) {
			r.Body = io.NopCloser(io.MultiReader(strings.NewReader("x"), errReader{}))
		}), neterr.ConnectionClosed},
		{"its name cannot be resolved", fails(neterr.NameNotResolved), neterr.DNSSecureResolverHostnameResolutionFailed},
		{"its certificate", fails(&neterr.Error{Code: neterr.CertAuthorityInvalid, Err: x509.UnknownAuthorityError{}}), neterr.CertAuthorityInvalid},
		{"an error of std", fails(io.ErrUnexpectedEOF), neterr.ConnectionClosed},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://dns.test/q")}, HTTP: c.http})
			defer client.Close()
			got, err := client.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
			switch {
			case c.want == nil:
				if err != nil || len(got.Addrs) != 1 {
					t.Errorf("got %+v, %v, want an address", got, err)
				}
			case got != nil || neterr.CodeOf(err) != c.want:
				t.Errorf("got %+v, %v, want %v", got, err, c.want)
			}
		})
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestNoSuchName: that is an answer.
func TestNoSuchName(t *testing.T) {
	c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://dns.test/q")}, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
		q, err := question(r)
		if err != nil {
			return nil, err
		}
		msg, err := reply(q, dnsmessage.RCodeNameError)
		return respond(msg), err
	})})
	defer c.Close()
	got, err := c.Query(t.Context(), dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
	if err != nil || !got.NameError {
		t.Errorf("got %+v, %v, want a name error", got, err)
	}
}

// TestBadName: nobody is asked for what cannot be a name.
func TestBadName(t *testing.T) {
	c := doh.New(doh.Config{Servers: []doh.Server{server(t, "https://dns.test/q")}, HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
		t.Error("a request went out")
		return nil, neterr.Failed
	})})
	defer c.Close()
	_, err := c.Query(t.Context(), dnswire.Question{Name: "a..test", Type: dnswire.A}, netlog.Source{})
	if !errors.Is(err, neterr.NameNotResolved) {
		t.Errorf("got %v, want %v", err, neterr.NameNotResolved)
	}
}

// TestCancelled: an attempt that ends because the caller left says nothing of its
// server, whichever of the two is noticed first.
func TestCancelled(t *testing.T) {
	var cancel context.CancelFunc
	asked := map[string]int{}
	c := doh.New(doh.Config{
		Servers: []doh.Server{server(t, "https://a.test/"), server(t, "https://b.test/")},
		HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
			r.Body.Close()
			asked[r.URL.Host]++
			cancel()
			return nil, r.Context().Err()
		}),
	})
	defer c.Close()
	const times = 5000 // both at once is rare
	for range times {
		var ctx context.Context
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		_, err := c.Query(ctx, dnswire.Question{Name: "h.test", Type: dnswire.A}, netlog.Source{})
		if !errors.Is(err, context.Canceled) || neterr.CodeOf(err) != neterr.Aborted {
			t.Fatalf("got %v, want %v", err, neterr.Aborted)
		}
	}
	if asked["a.test"] != times || asked["b.test"] != 0 {
		t.Errorf("got %v, want the first server asked %d times", asked, times)
	}
}
