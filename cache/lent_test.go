package cache_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"testing"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// pieces is a writer that takes note of how it was written to, and takes no more than left
// bytes in all.
type pieces struct {
	sizes []int
	data  []byte
	left  int
}

func (w *pieces) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	w.sizes = append(w.sizes, n)
	w.data = append(w.data, p[:n]...)
	if n < len(p) {
		return n, io.ErrClosedPipe
	}
	return n, nil
}

// lender is a Transport that has a body of size bytes in its store, and that body.
func lender(t *testing.T, size int) (*cache.Transport, *mem.Store, *url.URL, []byte) {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(i * i >> 3)
	}
	s := mem.New(mem.Config{Size: 64 << 20})
	c := cache.New(cache.Config{Store: s, Next: exchange.RoundTripperFunc(func(context.Context, *exchange.Request) (*exchange.Response, error) {
		return &exchange.Response{
			Status: 200, Proto: "HTTP/1.1", Header: exchange.FieldsOf("Cache-Control", "max-age=60"),
			ContentLength: int64(size), Body: io.NopCloser(bytes.NewReader(body)),
		}, nil
	})})
	t.Cleanup(func() {
		c.Close()
		s.Close()
	})
	u, _ := url.Parse("https://www.example.com/large")
	get(t, c, u, usualHeader, make([]byte, 32<<10))
	return c, s, u, body
}

func hit(t *testing.T, c *cache.Transport, u *url.URL, header ...string) *exchange.Response {
	t.Helper()
	resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u, Header: exchange.FieldsOf(header...)})
	if err != nil || !resp.Info.Cache.Hit {
		t.Fatalf("got %v, want a hit", err)
	}
	return resp
}

func TestWriteTo(t *testing.T) {
	c, _, u, body := lender(t, 300_000)
	tests := []struct {
		name     string
		header   []string
		first    int // so many bytes are read before
		from, to int
	}{
		{name: "whole", to: len(body)},
		{name: "rest", first: 40_000, from: 40_000, to: len(body)},
		{name: "range", header: []string{"Range", "bytes=1000-99999"}, from: 1000, to: 100_000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp := hit(t, c, u, tt.header...)
			defer resp.Body.Close()
			if _, err := io.ReadFull(resp.Body, make([]byte, tt.first)); err != nil {
				t.Fatal(err)
			}
			w := &pieces{left: len(body)}
			n, err := io.Copy(w, resp.Body)
			if err != nil || n != int64(tt.to-tt.from) || !bytes.Equal(w.data, body[tt.from:tt.to]) {
				t.Errorf("got %d bytes, %v; want those from %d to %d", n, err, tt.from, tt.to)
			}
			if n, err := resp.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("then got %d, %v; want the end", n, err)
			}
		})
	}
}

// What the writer did not take is still there to be read.
func TestWriteToFails(t *testing.T) {
	c, _, u, body := lender(t, 300_000)
	resp := hit(t, c, u)
	defer resp.Body.Close()
	n, err := io.Copy(&pieces{left: 100_000}, resp.Body)
	if n != 100_000 || !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %d, %v; want 100000 and the writer's error", n, err)
	}
	rest, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(rest, body[100_000:]) {
		t.Errorf("then got %d bytes, %v; want the rest", len(rest), err)
	}
}

// A body that is closed while it is written ends with that.
func TestWriteToClosed(t *testing.T) {
	c, _, u, _ := lender(t, 300_000)
	resp := hit(t, c, u)
	n, err := io.Copy(writerFunc(func(p []byte) (int, error) {
		resp.Body.Close()
		return len(p), nil
	}), resp.Body)
	if n == 0 || n == 300_000 || err == nil {
		t.Errorf("got %d, %v; want a part and an error", n, err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// What the entry cannot lend is read as ever: here nobody has it any more.
func TestWriteToDamaged(t *testing.T) {
	c, s, u, _ := lender(t, 300_000)
	resp := hit(t, c, u)
	defer resp.Body.Close()
	n, err := io.Copy(writerFunc(func(p []byte) (int, error) {
		s.Close()
		return len(p), nil
	}), resp.Body)
	if n == 0 || n == 300_000 || !errors.Is(err, neterr.CacheReadFailure) {
		t.Errorf("got %d, %v; want a part and %v", n, err, neterr.CacheReadFailure)
	}
}
