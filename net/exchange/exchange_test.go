package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestFields(t *testing.T) {
	f := exchange.FieldsOf("Accept", "a", "x", "1", "ACCEPT", "b", "X", "2")
	if got := f.Get("accept"); got != "a" {
		t.Errorf("Get: %q", got)
	}
	var all []string
	for v := range f.Values("x") {
		all = append(all, v)
	}
	if !reflect.DeepEqual(all, []string{"1", "2"}) {
		t.Errorf("Values: %q", all)
	}
	c := f.Clone()
	c.Set("X", "3")
	if want := exchange.FieldsOf("Accept", "a", "x", "3", "ACCEPT", "b"); !reflect.DeepEqual(c, want) {
		t.Errorf("Set: got %v, want %v", c, want)
	}
	c.Del("accept")
	c.Set("New", "n")
	if want := exchange.FieldsOf("x", "3", "New", "n"); !reflect.DeepEqual(c, want) {
		t.Errorf("Del, Set: got %v, want %v", c, want)
	}
	if f.Get("X") != "1" || len(f) != 4 {
		t.Errorf("the clone changed its origin: %v", f)
	}
	if _, ok := f.Lookup("none"); ok || f.Has("none") {
		t.Error("found what is not there")
	}
}

func TestHTTPHeader(t *testing.T) {
	f := exchange.FieldsOf("b", "1", "A", "2", "B", "3", "b", "4")
	h := exchange.HTTPHeader(f)
	if want := (http.Header{"A": {"2"}, "B": {"1", "3", "4"}}); !reflect.DeepEqual(h, want) {
		t.Errorf("got %v, want %v", h, want)
	}
	// A value list must not run into its neighbour in the slab.
	h["A"] = append(h["A"], "x")
	if want := []string{"1", "3", "4"}; !reflect.DeepEqual(h["B"], want) {
		t.Errorf("appending to one field changed another: %v", h)
	}
	back := exchange.FromHTTPHeader(nil, http.Header{"C": {"x"}, "A": {"2", "1"}, "B": {"y"}})
	if want := exchange.FieldsOf("A", "2", "A", "1", "B", "y", "C", "x"); !reflect.DeepEqual(back, want) {
		t.Errorf("got %v, want %v", back, want)
	}
}

func TestInMemory(t *testing.T) {
	for _, r := range []io.Reader{strings.NewReader("x"), bytes.NewReader(nil), &bytes.Buffer{}, io.NopCloser(strings.NewReader("x"))} {
		if !exchange.InMemory(r) {
			t.Errorf("%T is not taken for memory", r)
		}
	}
	pr, _ := io.Pipe()
	for _, r := range []io.Reader{pr, io.NopCloser(pr), io.MultiReader(strings.NewReader("x"))} {
		if exchange.InMemory(r) {
			t.Errorf("%T is taken for memory", r)
		}
	}
}

// TestIdempotent holds RFC 9110 section 9.2.2 and the caller's own word.
func TestIdempotent(t *testing.T) {
	for method, want := range map[string]bool{"": true, "GET": true, "PUT": true, "DELETE": true, "POST": false, "PATCH": false} {
		if got := (&exchange.Request{Method: method}).IsIdempotent(); got != want {
			t.Errorf("%q: %v", method, got)
		}
	}
	if !(&exchange.Request{Method: "POST", Header: exchange.FieldsOf("idempotency-key", "1")}).IsIdempotent() {
		t.Error("Idempotency-Key is not heard")
	}
}

// TestAdapters sends a request through both adapters in turn, around std's own
// client, and compares with std alone.
func TestAdapters(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Add("X-Multi", "1")
		w.Header().Add("X-Multi", "2")
		w.Header().Set("Trailer", "X-Sum")
		w.WriteHeader(202)
		io.WriteString(w, r.Method+" "+r.Header.Get("X-A")+" "+string(b)+" "+r.Trailer.Get("X-T"))
		w.Header().Set("X-Sum", "sum")
	}))
	defer srv.Close()
	do := func(rt http.RoundTripper) (*http.Response, string) {
		req, err := http.NewRequest("POST", srv.URL, io.MultiReader(strings.NewReader("body")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-A", "a")
		req.Trailer = http.Header{"X-T": {"t"}}
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(b)
	}
	want, wantBody := do(http.DefaultTransport)
	got, gotBody := do(exchange.HTTP(exchange.From(http.DefaultTransport)))
	want.Header.Del("Date")
	got.Header.Del("Date")
	if gotBody != wantBody || got.Status != want.Status || !reflect.DeepEqual(got.Header, want.Header) || !reflect.DeepEqual(got.Trailer, want.Trailer) {
		t.Errorf("got  %s %v %v %q\nwant %s %v %v %q", got.Status, got.Header, got.Trailer, gotBody, want.Status, want.Header, want.Trailer, wantBody)
	}
}

type closeCount struct {
	io.Reader
	n int
}

func (c *closeCount) Close() error { c.n++; return nil }

// TestRefused: what http.Transport refuses is refused, and the body closed.
func TestRefused(t *testing.T) {
	rt := exchange.HTTP(exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
		t.Error("a bad request went through")
		return nil, neterr.Failed
	}))
	tests := []struct {
		name string
		edit func(*http.Request)
		want error
	}{
		{"no url", func(r *http.Request) { r.URL = nil }, neterr.InvalidURL},
		{"no header", func(r *http.Request) { r.Header = nil }, neterr.InvalidArgument},
		{"scheme", func(r *http.Request) { r.URL.Scheme = "gopher" }, neterr.UnknownURLScheme},
		{"no host", func(r *http.Request) { r.URL.Host = "" }, neterr.InvalidURL},
		{"method", func(r *http.Request) { r.Method = "A B" }, neterr.InvalidArgument},
		{"field name", func(r *http.Request) { r.Header["A B"] = []string{"x"} }, neterr.InvalidArgument},
		{"field value", func(r *http.Request) { r.Header["A"] = []string{"x\r\ny"} }, neterr.InvalidArgument},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := &closeCount{Reader: strings.NewReader("x")}
			req := &http.Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: "a.test"}, Header: http.Header{}, Body: body, ContentLength: 1}
			tt.edit(req)
			if _, err := rt.RoundTrip(req); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if body.n != 1 {
				t.Errorf("body closed %d times", body.n)
			}
		})
	}
}

// TestOptions: what the context carries arrives, and Info comes back.
func TestOptions(t *testing.T) {
	rt := exchange.HTTP(exchange.RoundTripperFunc(func(_ context.Context, r *exchange.Request) (*exchange.Response, error) {
		if r.Priority != exchange.Highest || r.LoadFlags != exchange.BypassCache {
			t.Errorf("got %v %v", r.Priority, r.LoadFlags)
		}
		return &exchange.Response{Status: 200, Proto: "HTTP/1.1", Body: http.NoBody, Info: exchange.Info{Retries: 3}}, nil
	}))
	var info *exchange.Info
	ctx := exchange.WithOptions(t.Context(), &exchange.Options{
		Priority: exchange.Highest, LoadFlags: exchange.BypassCache, OnInfo: func(i *exchange.Info) { info = i },
	})
	req, _ := http.NewRequestWithContext(ctx, "GET", "http://a.test/", nil)
	if _, err := rt.RoundTrip(req); err != nil {
		t.Fatal(err)
	}
	if info == nil || info.Retries != 3 {
		t.Errorf("info %+v", info)
	}
}

// pieces is a body that hands out what it has without a copy.
type pieces struct {
	io.ReadCloser
	list []string
}

func (p *pieces) WriteTo(w io.Writer) (n int64, err error) {
	for _, piece := range p.list {
		k, err := io.WriteString(w, piece)
		if n += int64(k); err != nil {
			return n, err
		}
	}
	return n, nil
}

func TestHTTPWriterTo(t *testing.T) {
	for name, trailer := range map[string]func() exchange.Fields{
		"without trailer": nil,
		"with trailer":    func() exchange.Fields { return exchange.Fields{{Name: "x-sum", Value: "7"}} },
	} {
		t.Run(name, func(t *testing.T) {
			body := &pieces{http.NoBody, []string{"one ", "two"}}
			rt := exchange.HTTP(exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
				return &exchange.Response{Status: 200, Proto: "HTTP/1.1", ContentLength: -1, Body: body, Trailer: trailer}, nil
			}))
			req, err := http.NewRequest("GET", "http://kaon.test/", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rt.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			w, ok := resp.Body.(io.WriterTo)
			if !ok {
				t.Fatalf("the body is a %T, want an io.WriterTo as what is behind it", resp.Body)
			}
			var got strings.Builder
			if n, err := w.WriteTo(&got); got.String() != "one two" || n != 7 || err != nil {
				t.Errorf("got %q, %d, %v, want all of it", got.String(), n, err)
			}
			if want := trailer != nil; (resp.Trailer.Get("X-Sum") == "7") != want {
				t.Errorf("trailer %v, want one: %v", resp.Trailer, want)
			}
		})
	}
}
