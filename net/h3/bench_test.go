package h3_test

import (
	stdtls "crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/quic-go/quic-go/http3"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
)

var browser = exchange.FieldsOf(
	"sec-ch-ua-platform", `"Linux"`,
	"User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
	"sec-ch-ua", `"Not:A-Brand";v="8", "Chromium";v="156"`, "sec-ch-ua-mobile", "?0", "Accept", "*/*",
	"Accept-Encoding", "gzip, deflate, br, zstd", "Accept-Language", "en-US,en;q=0.9",
)

func kilobyte() http.Handler {
	body := make([]byte, 1<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
}

func kaonClient(b testing.TB) func([]byte) error {
	c := connect(b, kilobyte())
	return func(buf []byte) error {
		req := get("/")
		req.Header = browser
		if err := c.Reserve(); err != nil {
			return err
		}
		resp, err := c.RoundTrip(b.Context(), req)
		if err != nil {
			return err
		}
		return drain(resp.Body, buf)
	}
}

func stdClient(b testing.TB) func([]byte) error {
	addr := serve(b, kilobyte(), nil)
	tr := &http3.Transport{TLSClientConfig: &stdtls.Config{InsecureSkipVerify: true}, QUICConfig: h3.QUICConfig(), DisableCompression: true}
	b.Cleanup(func() { tr.Close() })
	header := exchange.HTTPHeader(browser)
	return func(buf []byte) error {
		req, err := http.NewRequestWithContext(b.Context(), "GET", "https://"+addr.String()+"/", nil)
		if err != nil {
			return err
		}
		req.Header = header
		resp, err := tr.RoundTrip(req)
		if err != nil {
			return err
		}
		return drain(resp.Body, buf)
	}
}

func drain(body io.ReadCloser, buf []byte) error {
	defer body.Close()
	for n := 0; ; {
		m, err := body.Read(buf)
		n += m
		switch {
		case err == io.EOF && n == 1<<10:
			return nil
		case err != nil:
			return fmt.Errorf("%d bytes, %w", n, err)
		}
	}
}

// TestAllocs holds a request's allocations, the in-process server's taken off by
// comparison: quic-go's Transport makes 85, of which ours are to be 0.6 at most.
func TestAllocs(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	buf := make([]byte, 32<<10)
	measure := func(get func([]byte) error) float64 {
		return testing.AllocsPerRun(300, func() {
			if err := get(buf); err != nil {
				t.Fatal(err)
			}
		})
	}
	ours, theirs := measure(kaonClient(t)), measure(stdClient(t))
	if ours > theirs-0.4*85 {
		t.Errorf("%v allocations with the server's, quic-go's Transport %v", ours, theirs)
	}
	t.Logf("%v allocations with the server's, quic-go's Transport %v", ours, theirs)
}

// BenchmarkSmallGET is 1 KiB down, by this package and by quic-go's Transport, with as
// many requests in flight as the name says. Server and client share the process: what
// differs is the client.
func BenchmarkSmallGET(b *testing.B) {
	for _, n := range []int{1, 16, 100} {
		for name, client := range map[string]func(testing.TB) func([]byte) error{"kaon": kaonClient, "quic-go": stdClient} {
			b.Run(fmt.Sprintf("client=%s/inflight=%d", name, n), func(b *testing.B) { inFlight(b, n, client(b)) })
		}
	}
}

func inFlight(b *testing.B, n int, get func(buf []byte) error) {
	b.ReportAllocs()
	b.ResetTimer()
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

// BenchmarkDownload is 16 MiB down.
func BenchmarkDownload(b *testing.B) {
	const size = 16 << 20
	body := make([]byte, size)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(body) })
	read := func(b *testing.B, r io.ReadCloser, buf []byte) {
		if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf); n != size || err != nil {
			b.Fatal(n, err)
		}
		r.Close()
	}
	buf := make([]byte, 64<<10)
	b.Run("client=kaon", func(b *testing.B) {
		c := connect(b, h)
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			c.Reserve()
			resp, err := c.RoundTrip(b.Context(), get("/"))
			if err != nil {
				b.Fatal(err)
			}
			read(b, resp.Body, buf)
		}
	})
	b.Run("client=quic-go", func(b *testing.B) {
		addr := serve(b, h, nil)
		tr := &http3.Transport{TLSClientConfig: &stdtls.Config{InsecureSkipVerify: true}, QUICConfig: h3.QUICConfig(), DisableCompression: true}
		b.Cleanup(func() { tr.Close() })
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			resp, err := (&http.Client{Transport: tr}).Get("https://" + addr.String() + "/")
			if err != nil {
				b.Fatal(err)
			}
			read(b, resp.Body, buf)
		}
	})
}
