package h2_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
)

// serveCanned answers every request with the same response of size bytes, at next to
// no cost, so that the client is what is measured.
func serveCanned(b testing.TB, size int) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go answerCanned(nc, size)
		}
	}()
	return l.Addr().String()
}

func answerCanned(nc net.Conn, size int) {
	defer nc.Close()
	in, out := bufio.NewReaderSize(nc, 64<<10), bufio.NewWriterSize(nc, 64<<10)
	io.CopyN(io.Discard, in, int64(len(http2.ClientPreface)))
	fr := http2.NewFramer(out, in)
	fr.SetReuseFrames()
	fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 250}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
	fr.WriteWindowUpdate(0, 1<<30)
	body := bytes.Repeat([]byte("x"), size)
	length := fmt.Sprint(size)
	// :status 200, content-type and date as a server's table would have them after the
	// first response are left out: both clients would only look them up.
	head := append([]byte{0x88, 0x0f, 0x0d, byte(len(length))}, length...)
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		id, ended := f.Header().StreamID, f.Header().Flags.Has(http2.FlagDataEndStream)
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				fr.WriteSettingsAck()
			}
			continue
		case *http2.DataFrame:
			if n := f.Length; n > 0 && !ended {
				fr.WriteWindowUpdate(id, n)
			}
			if n := f.Length; n > 0 {
				fr.WriteWindowUpdate(0, n)
			}
		case *http2.HeadersFrame:
		default:
			continue
		}
		if ended {
			fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: head, EndHeaders: true})
			fr.WriteData(id, true, body)
		}
	}
}

// browser is what a browser sends with a GET.
var browser = []string{
	"sec-ch-ua-platform", `"Linux"`,
	"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	"sec-ch-ua", `"Not:A-Brand";v="8", "Chromium";v="156"`, "sec-ch-ua-mobile", "?0", "Accept", "*/*",
	"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty",
	"Accept-Encoding", "gzip, deflate, br, zstd", "Accept-Language", "en-US,en;q=0.9",
}

// BenchmarkSmallGET is 1 KiB down, by this package and by net/http's Transport, with as
// many requests in flight as the name says.
func BenchmarkSmallGET(b *testing.B) {
	for _, n := range []int{1, 16, 100} {
		b.Run(fmt.Sprintf("client=kaon/inflight=%d", n), func(b *testing.B) {
			get := kaonClient(b, serveCanned(b, 1<<10))
			inFlight(b, n, get)
		})
		b.Run(fmt.Sprintf("client=std/inflight=%d", n), func(b *testing.B) {
			get := stdClient(b, serveCanned(b, 1<<10))
			inFlight(b, n, get)
		})
	}
}

func inFlight(b *testing.B, n int, get func(buf []byte) error) {
	b.ReportAllocs()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			buf := make([]byte, 32<<10)
			for left.Add(-1) >= 0 {
				if err := get(buf); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func drain(body io.ReadCloser, buf []byte, want int) error {
	defer body.Close()
	for n := 0; ; {
		m, err := body.Read(buf)
		n += m
		switch {
		case err == io.EOF && n == want:
			return nil
		case err != nil:
			return fmt.Errorf("%d bytes, %w", n, err)
		}
	}
}

func kaonClient(b testing.TB, addr string) func([]byte) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	c, err := h2.NewConn(nc, h2.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close(nil) })
	req := request("GET", "http://"+addr+"/small", nil, 0)
	req.Header = exchange.FieldsOf(browser...)
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	return func(buf []byte) error {
		if err := c.Reserve(); err != nil {
			return err
		}
		resp, err := c.RoundTrip(ctx, req)
		if err != nil {
			return err
		}
		return drain(resp.Body, buf, 1<<10)
	}
}

func stdClient(b *testing.B, addr string) func([]byte) error {
	tr := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	b.Cleanup(tr.CloseIdleConnections)
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", "http://"+addr+"/small", nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(browser); i += 2 {
		req.Header.Set(browser[i], browser[i+1])
	}
	return func(buf []byte) error {
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		return drain(resp.Body, buf, 1<<10)
	}
}

// BenchmarkBulk is 64 MiB over TLS, down and up, through net/http's server.
func BenchmarkBulk(b *testing.B) {
	const size = 64 << 20
	srv := serveStd(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.Method == "GET" {
			for buf, n := make([]byte, 64<<10), 0; n < size; n += len(buf) {
				w.Write(buf)
			}
		}
	}))
	zeros := func() io.Reader { return io.LimitReader(zero{}, size) }
	for _, method := range []string{"GET", "POST"} {
		b.Run("method="+method+"/client=kaon", func(b *testing.B) {
			c := dialStd(b, srv)
			b.SetBytes(size)
			for b.Loop() {
				req := request(method, srv.URL, nil, 0)
				if method == "POST" {
					req = request(method, srv.URL, zeros(), size)
				}
				if err := c.Reserve(); err != nil {
					b.Fatal(err)
				}
				resp, err := c.RoundTrip(b.Context(), req)
				if err != nil {
					b.Fatal(err)
				}
				bulkDrain(b, resp.Body, method)
			}
		})
		b.Run("method="+method+"/client=std", func(b *testing.B) {
			tr := srv.Client().Transport
			b.SetBytes(size)
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), method, srv.URL, nil)
				if err != nil {
					b.Fatal(err)
				}
				if method == "POST" {
					req.Body, req.ContentLength = io.NopCloser(zeros()), size
				}
				resp, err := tr.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				if resp.ProtoMajor != 2 {
					b.Fatal(resp.Proto)
				}
				bulkDrain(b, resp.Body, method)
			}
		})
	}
}

func bulkDrain(b *testing.B, body io.ReadCloser, method string) {
	n, err := io.Copy(io.Discard, body)
	body.Close()
	if err != nil || method == "GET" && n != 64<<20 {
		b.Fatal(n, err)
	}
}

type zero struct{}

func (zero) Read(p []byte) (int, error) { return len(p), nil }
