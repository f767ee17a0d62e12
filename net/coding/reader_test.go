package coding_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/kaon-net/kaon/net/coding"
	"github.com/kaon-net/kaon/net/neterr"
)

// Close comes from another goroutine while Read waits for the peer. Decoders go back
// to the pool once, and never while they are in use: the race detector would see it,
// and so would the next body.
func TestCloseWhileReading(t *testing.T) {
	var pool coding.Pool
	for _, header := range []string{"gzip", "deflate", "br", "zstd", "gzip, br"} {
		coded := encode(header, text)
		for range 50 {
			pr, pw := io.Pipe()
			rc, _, err := pool.Decode(pr, one(header))
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := io.Copy(io.Discard, onlyReader{rc})
				if err == nil {
					t.Errorf("%s: got no error of a body closed half way", header)
				}
			})
			pw.Write(coded[:len(coded)/2])
			wg.Go(func() { rc.Close() })
			wg.Go(func() { rc.Close() })

			other, _, _ := pool.Decode(io.NopCloser(bytes.NewReader(coded)), one(header))
			if got, err := io.ReadAll(other); err != nil || string(got) != text {
				t.Errorf("%s: a body beside it: got %d bytes, %v", header, len(got), err)
			}
			wg.Wait()
		}
	}
}

func TestReadAfterClose(t *testing.T) {
	rc, _, _ := coding.Decode(io.NopCloser(bytes.NewReader(gz(text))), one("gzip"))
	buf := make([]byte, 10)
	if _, err := rc.Read(buf); err != nil {
		t.Fatal(err)
	}
	rc.Close()
	if n, err := rc.Read(buf); n != 0 || !errors.Is(err, neterr.Aborted) {
		t.Errorf("got %d, %v; want %v", n, err, neterr.Aborted)
	}
	if err := rc.Close(); err != nil {
		t.Errorf("closing again: got %v, want nil", err)
	}
}

func TestPoolReuse(t *testing.T) {
	var pool coding.Pool
	for _, header := range []string{"gzip", "deflate", "br", "zstd"} {
		coded := encode(header, text)
		r := bytes.NewReader(nil)
		buf := make([]byte, 4096)
		values := one(header)
		allocs := testing.AllocsPerRun(100, func() {
			r.Reset(coded)
			rc, _, _ := pool.Decode(io.NopCloser(r), values)
			for {
				if _, err := rc.Read(buf); err != nil {
					break
				}
			}
			rc.Close()
		})
		if allocs > 20 {
			t.Errorf("%s: got %v allocations, want few", header, allocs)
		}
		t.Logf("%s: %v allocations", header, allocs)
	}
}

func BenchmarkDecode(b *testing.B) {
	plain := string(bytes.Repeat([]byte(text), 100))
	for _, header := range []string{"gzip", "deflate", "br", "zstd"} {
		b.Run("coding="+header, func(b *testing.B) {
			var pool coding.Pool
			coded := encode(header, plain)
			values := one(header)
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				rc, _, _ := pool.Decode(io.NopCloser(bytes.NewReader(coded)), values)
				if _, err := io.Copy(io.Discard, onlyReader{rc}); err != nil {
					b.Fatal(err)
				}
				rc.Close()
			}
		})
	}
}
