package h3_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestPriority: what is said of a request's priority, ahead of it and in it.
func TestPriority(t *testing.T) {
	c, p := pair(t, h3.Config{})
	s, err := p.qc.AcceptUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := quicvarint.NewReader(s)
	quicvarint.Read(r)
	readFrame(t, r) // SETTINGS
	readFrame(t, r) // a reserved one
	p.hello()
	for i, tt := range []struct {
		priority exchange.Priority
		own      exchange.Fields
		update   string
		field    string
	}{
		{exchange.Highest, nil, "u=0, i", "u=0, i"},
		{exchange.Lowest, nil, "i", "i"},
		{exchange.Throttled, nil, "u=5, i", "u=5, i"},
		{exchange.Lowest, exchange.FieldsOf("Priority", "u=1"), "u=1", "u=1"},
		{exchange.Lowest, exchange.FieldsOf("Priority", strings.Repeat("x", 65)), "", strings.Repeat("x", 65)},
		{exchange.Medium, exchange.FieldsOf("Priority", ""), "", ""},
		{exchange.Medium, nil, "u=1, i", "u=1, i"},
	} {
		req := get("/")
		req.Priority, req.Header = tt.priority, tt.own
		out := send(t, c, req)
		qs, fields := p.request()
		if tt.update != "" {
			typ, got := readFrame(t, r)
			want := append(quicvarint.Append(nil, uint64(4*i)), tt.update...)
			if typ != 0xf0700 || !bytes.Equal(got, want) {
				t.Errorf("%d: frame of type %#x %q, want %q", i, typ, got, want)
			}
		}
		if got := fields[len(fields)-1]; got != (exchange.Field{Name: "priority", Value: tt.field}) {
			t.Errorf("%d: the last field is %v", i, got)
		}
		qs.Write(head(":status", "204"))
		qs.Close()
		if o := <-out; o.err != nil {
			t.Error(o.err)
		}
	}
}

// TestRequestHead: the order of fields, and which are left out.
func TestRequestHead(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello(0x8, 1)
	tests := []struct {
		name string
		req  exchange.Request
		want exchange.Fields
	}{
		{"GET", exchange.Request{
			Header: exchange.FieldsOf("Accept", "*/*", "Host", "b.test", "Connection", "x", "TE", "gzip", "Te", "trailers", "Cookie", "a=1; b=2;c=3"),
		}, exchange.FieldsOf(":method", "GET", ":authority", "a.test", ":scheme", "https", ":path", "/p?q", "accept", "*/*", "te", "trailers",
			"cookie", "a=1", "cookie", "b=2", "cookie", "c=3", "priority", "i")},
		{
			"POST",
			exchange.Request{Method: "POST", Host: "b.test:8443"},
			exchange.FieldsOf(":method", "POST", ":authority", "b.test:8443", ":scheme", "https", ":path", "/p?q", "content-length", "0", "priority", "i"),
		},
		{"CONNECT", exchange.Request{Method: "CONNECT"}, exchange.FieldsOf(":method", "CONNECT", ":authority", "a.test:443")},
		{
			"extended CONNECT",
			exchange.Request{Method: "CONNECT", Protocol: "websocket"},
			exchange.FieldsOf(":method", "CONNECT", ":authority", "a.test", ":scheme", "https", ":path", "/p?q", ":protocol", "websocket"),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := tt.req
			req.URL = &url.URL{Scheme: "https", Host: "a.test", Path: "/p", RawQuery: "q"}
			out := send(t, c, &req)
			qs, got := p.request()
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %v\nwant %v", got, tt.want)
			}
			qs.Write(head(":status", "400"))
			qs.Close()
			if o := <-out; o.err != nil {
				t.Error(o.err)
			}
		})
	}
}

// TestTunnel: extended CONNECT carries bytes both ways until each side has ended.
func TestTunnel(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello(0x8, 1)
	type result struct {
		resp *exchange.Response
		err  error
	}
	out := make(chan result, 1)
	c.Reserve()
	go func() {
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{Method: "CONNECT", Protocol: "websocket", URL: get("/").URL})
		out <- result{resp, err}
	}()
	qs, _ := p.request()
	qs.Write(head(":status", "200"))
	r := <-out
	if r.err != nil {
		t.Fatal(r.err)
	}
	tunnel := r.resp.Body.(interface {
		io.ReadWriteCloser
		CloseWrite() error
	})
	if n, err := tunnel.Write([]byte("ping")); n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if typ, got := readFrame(t, qs); typ != 0 || string(got) != "ping" {
		t.Errorf("frame of type %d, %q", typ, got)
	}
	qs.Write(data("pong"))
	b := make([]byte, 4)
	if _, err := io.ReadFull(tunnel, b); err != nil || string(b) != "pong" {
		t.Errorf("%q, %v", b, err)
	}
	if err := tunnel.CloseWrite(); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(qs); len(rest) > 0 || err != nil {
		t.Errorf("after CloseWrite %q, %v", rest, err)
	}
	qs.Write(data("more"))
	qs.Close()
	if rest, err := io.ReadAll(tunnel); string(rest) != "more" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	tunnel.Close()
	if _, err := tunnel.Write(b); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("write after close: %v", err)
	}
}

// TestNoExtendedConnect: a server that has not announced it is not asked.
func TestNoExtendedConnect(t *testing.T) {
	c, p := pair(t, h3.Config{})
	out := send(t, c, &exchange.Request{Method: "CONNECT", Protocol: "websocket", URL: get("/").URL})
	p.hello()
	if o := <-out; !errors.Is(o.err, neterr.NotImplemented) {
		t.Errorf("got %v", o.err)
	}
}

// TestExpectContinue: the body waits for a 100, or is not sent at all.
func TestExpectContinue(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello()
	post := func() *exchange.Request {
		req := get("/")
		req.Method, req.Body, req.ContentLength = "POST", io.NopCloser(strings.NewReader("body")), 4
		req.Header = exchange.FieldsOf("Expect", "100-continue")
		return req
	}
	out := send(t, c, post())
	qs, _ := p.request()
	qs.Write(head(":status", "100"))
	if typ, got := readFrame(t, qs); typ != 0 || string(got) != "body" {
		t.Errorf("frame of type %d, %q", typ, got)
	}
	qs.Write(head(":status", "200"))
	qs.Close()
	if o := <-out; o.err != nil {
		t.Error(o.err)
	}

	out = send(t, c, post())
	qs, _ = p.request()
	qs.Write(head(":status", "417"))
	qs.Close()
	if o := <-out; o.err != nil || o.resp.Status != 417 {
		t.Errorf("got %+v", o)
	}
	var reset *quic.StreamError
	if b, err := io.ReadAll(qs); len(b) > 0 || !errors.As(err, &reset) || reset.ErrorCode != 0x10c {
		t.Errorf("the body: %q, %v", b, err)
	}
}

// TestStopSending: a server that wants no more of the body may still answer.
func TestStopSending(t *testing.T) {
	c, p := pair(t, h3.Config{})
	p.hello()
	req := get("/")
	pr, pw := io.Pipe()
	req.Method, req.Body, req.ContentLength = "POST", pr, -1
	out := send(t, c, req)
	qs, _ := p.request()
	qs.CancelRead(0x100)
	for {
		if _, err := pw.Write(make([]byte, 1<<10)); err != nil {
			break // the upload has noticed
		}
	}
	qs.Write(join(head(":status", "200"), data("enough")))
	qs.Close()
	if o := <-out; o.err != nil || o.body != "enough" {
		t.Errorf("got %+v", o)
	}
}
