package h3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestReal is what quic-go's own server makes of our requests, and we of its answers.
func TestReal(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Seen", fmt.Sprint(r.Method, " ", r.Host, " ", r.RequestURI, " ", r.ContentLength, " ", r.Header["Cookie"], " ", r.Trailer.Get("X-Sum")))
		w.Write(b)
	})
	mux.HandleFunc("/empty", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) })
	mux.HandleFunc("/hints", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(103)
		w.Header().Set("Trailer", "X-T")
		io.WriteString(w, "x")
		w.Header().Set("X-T", "t")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		w.Write(make([]byte, n))
	})
	c := connect(t, mux)

	o := <-send(t, c, &exchange.Request{
		URL:    &url.URL{Scheme: "https", Host: "a.test:443", Path: "/echo", RawQuery: "q"},
		Header: exchange.FieldsOf("Cookie", "a=1; b=2", "Connection", "close", "X-Long", strings.Repeat("v", 5000)),
	})
	if o.err != nil || o.resp.Status != 200 || o.body != "" || o.resp.Proto != "HTTP/3.0" {
		t.Fatalf("got %+v", o)
	}
	if got, want := o.resp.Header.Get("x-seen"), "GET a.test /echo?q -1 [a=1; b=2] "; got != want {
		t.Errorf("the server saw %q, want %q", got, want)
	}
	if i := o.resp.Info; i.Reused || !i.Remote.IsValid() || !i.Local.IsValid() || i.TLS == nil || i.TLS.NegotiatedProtocol != "h3" || i.WireRead == 0 {
		t.Errorf("info %+v", i)
	}
	if key, err := o.resp.Info.ExportKeyingMaterial("x", nil, 16); err != nil || len(key) != 16 {
		t.Errorf("keying material %x, %v", key, err)
	}

	for _, tt := range []struct {
		name   string
		length int64
		wrap   func(io.Reader) io.Reader
		seen   string
	}{
		{"whole", 5, func(r io.Reader) io.Reader { return r }, "POST a.test /echo 5 [] "},
		{"streamed", 5, func(r io.Reader) io.Reader { return io.MultiReader(r) }, "POST a.test /echo 5 [] "},
		{"unknown length", -1, func(r io.Reader) io.Reader { return io.MultiReader(r) }, "POST a.test /echo -1 [] sum"},
	} {
		t.Run("body/"+tt.name, func(t *testing.T) {
			req := get("/echo")
			req.Method, req.ContentLength, req.Body = "POST", tt.length, io.NopCloser(tt.wrap(strings.NewReader("hello")))
			if tt.length < 0 {
				req.TrailerNames = []string{"X-Sum"}
				req.Trailer = func() exchange.Fields { return exchange.FieldsOf("X-Sum", "sum", "Host", "no") }
			}
			o := <-send(t, c, req)
			if o.err != nil || o.body != "hello" || o.resp.Header.Get("x-seen") != tt.seen || !o.resp.Info.Reused {
				t.Errorf("got %+v", o)
			}
		})
	}

	if o := <-send(t, c, get("/empty")); o.err != nil || o.resp.Status != 204 || o.body != "" {
		t.Errorf("204: %+v", o)
	}
	req := get("/large")
	req.Method, req.URL.RawQuery = "HEAD", "n=100"
	if o := <-send(t, c, req); o.err != nil || o.body != "" {
		t.Errorf("HEAD: %+v", o)
	}

	var hints []string
	req = get("/hints")
	req.Trace = &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hints = append(hints, fmt.Sprint(code, h.Get("Link")))
		return nil
	}}
	if o := <-send(t, c, req); o.err != nil || o.body != "x" || fmt.Sprint(hints) != "[103</a.css>]" || o.resp.Trailer().Get("x-t") != "t" {
		t.Errorf("hints %v, trailer: %+v", hints, o)
	}

	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<18) // 4 MiB: each window is used up
	req = get("/echo")
	req.Method, req.ContentLength, req.Body = "PUT", int64(len(body)), io.NopCloser(bytes.NewReader(body))
	if o := <-send(t, c, req); o.err != nil || sha256.Sum256([]byte(o.body)) != sha256.Sum256(body) {
		t.Errorf("large: %d bytes, %v", len(o.body), o.err)
	}
	if n := c.InUse(); n != 0 {
		t.Errorf("%d slots in use", n)
	}
}

// TestMany: more requests than the server lets be open wait for their turn.
func TestMany(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }))
	var wg sync.WaitGroup
	for i := range 300 {
		wg.Go(func() {
			path := "/" + strconv.Itoa(i)
			if o := <-send(t, c, get(path)); o.err != nil || o.body != path {
				t.Errorf("%s: %+v", path, o)
			}
		})
	}
	wg.Wait()
	if got := c.Available(); got != 100 {
		t.Errorf("%d available", got)
	}
}

// TestCancel: a request whose context ends is over at once, wherever it is; the
// connection lives on.
func TestCancel(t *testing.T) {
	reached := make(chan struct{})
	gone := make(chan struct{})
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/head":
			close(reached)
		case "/body":
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
		default:
			return
		}
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	c.Reserve()
	_, err := c.RoundTrip(ctx, get("/head"))
	var attempt *exchange.AttemptError
	if !errors.Is(err, neterr.Aborted) || !errors.As(err, &attempt) || !attempt.Sent || attempt.Received {
		t.Errorf("got %+v", err)
	}
	<-gone

	ctx, cancel = context.WithCancel(t.Context())
	c.Reserve()
	resp, err := c.RoundTrip(ctx, get("/body"))
	if err != nil {
		t.Fatal(err)
	}
	var b [10]byte
	if n, err := resp.Body.Read(b[:]); n != 1 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	cancel()
	if _, err := resp.Body.Read(b[:]); !errors.Is(err, neterr.Aborted) {
		t.Errorf("got %v", err)
	}
	<-gone

	c.Reserve()
	if resp, err = c.RoundTrip(t.Context(), get("/body")); err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := io.ReadAll(resp.Body)
		read <- err
	}()
	resp.Body.Close()
	<-read // with an error or, if it was too late, without a byte
	if _, err := resp.Body.Read(b[:]); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v", err)
	}
	<-gone
	if o := <-send(t, c, get("/")); o.err != nil {
		t.Error(o.err)
	}
	if n := c.InUse(); n != 0 {
		t.Errorf("%d slots in use", n)
	}
}

// TestBadBody: a request body that fails, or is not as long as it was said to be, ends
// the exchange and nothing else.
func TestBadBody(t *testing.T) {
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) }))
	for name, tt := range map[string]struct {
		body   io.Reader
		length int64
		want   error
	}{
		"less, whole":    {strings.NewReader("x"), 2, neterr.InvalidArgument},
		"more, whole":    {strings.NewReader("xxx"), 2, neterr.InvalidArgument},
		"less, streamed": {io.MultiReader(strings.NewReader("x")), 2, neterr.InvalidArgument},
		"more, streamed": {io.MultiReader(strings.NewReader("xxx")), 2, neterr.InvalidArgument},
		"fails":          {io.MultiReader(strings.NewReader("x"), failing{}), -1, neterr.FileNotFound},
	} {
		req := get("/")
		req.Method, req.Body, req.ContentLength = "POST", io.NopCloser(tt.body), tt.length
		if o := <-send(t, c, req); !errors.Is(o.err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, o.err, tt.want)
		}
	}
	if o := <-send(t, c, get("/")); o.err != nil {
		t.Error(o.err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, neterr.FileNotFound }
