package coding_test

import (
	"bytes"
	stdflate "compress/flate"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"errors"
	"io"
	"math/rand"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/kaon-net/kaon/net/coding"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestDecode(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header []string
		coded  []byte
		want   string // with err empty
		raw    bool   // comes through undecoded
		err    error
	}{
		{name: "gzip", header: []string{"gzip"}, coded: gz(text), want: text},
		{name: "x-gzip, case", header: []string{"X-GZip"}, coded: gz(text), want: text},
		{name: "gzip empty body", header: []string{"gzip"}, coded: nil},
		{name: "gzip of nothing", header: []string{"gzip"}, coded: gz("")},
		{name: "gzip all header parts", header: []string{"gzip"}, coded: gzFull(text), want: text},
		{name: "gzip wrong checksum", header: []string{"gzip"}, coded: flip(gz(text), -8), want: text},
		{name: "gzip wrong length", header: []string{"gzip"}, coded: flip(gz(text), -1), want: text},
		{name: "gzip second member dropped", header: []string{"gzip"}, coded: slices.Concat(gz(text), gz("more")), want: text},
		{name: "gzip trailing bytes", header: []string{"gzip"}, coded: append(gz(text), "garbage"...), want: text},
		{name: "gzip bad magic", header: []string{"gzip"}, coded: flip(gz(text), 0), err: neterr.ContentDecodingFailed},
		{name: "gzip bad second magic", header: []string{"gzip"}, coded: flip(gz(text), 1), err: neterr.ContentDecodingFailed},
		{name: "gzip bad method", header: []string{"gzip"}, coded: flip(gz(text), 2), err: neterr.ContentDecodingFailed},
		{name: "gzip plain text", header: []string{"gzip"}, coded: []byte(text), err: neterr.ContentDecodingFailed},
		{name: "gzip bad block", header: []string{"gzip"}, coded: append(gz("")[:10:10], 0xff), err: neterr.ContentDecodingFailed},

		{name: "deflate zlib", header: []string{"deflate"}, coded: zl(text), want: text},
		{name: "deflate zlib wrong checksum", header: []string{"deflate"}, coded: flip(zl(text), -1), want: text},
		{name: "deflate raw", header: []string{"deflate"}, coded: fl(text), want: text},
		{name: "deflate trailing bytes", header: []string{"deflate"}, coded: append(zl(text), "garbage"...), want: text},
		{name: "deflate raw trailing bytes", header: []string{"deflate"}, coded: append(fl(text), "garbage"...), want: text},
		{name: "deflate one byte", header: []string{"deflate"}, coded: []byte{0x78}},
		{name: "deflate garbage", header: []string{"deflate"}, coded: bytes.Repeat([]byte{0xff}, 2000), err: neterr.ContentDecodingFailed},
		{name: "deflate raw behind a zlib header", header: []string{"deflate"}, coded: rawLikeZlib, want: rawLikeZlibText},

		{name: "br", header: []string{"br"}, coded: brotlied(text), want: text},
		{name: "br trailing bytes", header: []string{"br"}, coded: append(brotlied(text), "garbage"...), want: text},
		{name: "br garbage", header: []string{"br"}, coded: bytes.Repeat([]byte{0xff}, 100), err: neterr.ContentDecodingFailed},

		{name: "zstd", header: []string{"zstd"}, coded: zs(text), want: text},
		{name: "zstd two frames", header: []string{"zstd"}, coded: slices.Concat(zs(text), zs("more")), want: text + "more"},
		{name: "zstd skippable frame", header: []string{"zstd"}, coded: slices.Concat([]byte("\x50\x2a\x4d\x18\x02\x00\x00\x00ab"), zs(text)), want: text},
		{name: "zstd trailing bytes", header: []string{"zstd"}, coded: append(zs(text), "garbage"...), err: neterr.ContentDecodingFailed},
		{name: "zstd wrong checksum", header: []string{"zstd"}, coded: flip(zs(text), -1), err: neterr.ContentDecodingFailed},
		{name: "zstd garbage", header: []string{"zstd"}, coded: []byte(text), err: neterr.ContentDecodingFailed},
		{name: "zstd window 8 MiB", header: []string{"zstd"}, coded: zsWindow(8 << 20), want: strings.Repeat("0", 20<<20)},
		{name: "zstd window 16 MiB", header: []string{"zstd"}, coded: zsWindow(16 << 20), err: neterr.ZstdWindowSizeTooBig},
		{name: "zstd single segment of 16 MiB", header: []string{"zstd"}, coded: []byte("\x28\xb5\x2f\xfd\xa0\x00\x00\x00\x01\x03\x00\x00"), err: neterr.ZstdWindowSizeTooBig},

		{name: "none", coded: []byte(text), raw: true},
		{name: "empty", header: []string{""}, coded: gz(text), raw: true},
		{name: "unknown", header: []string{"compress"}, coded: gz(text), raw: true},
		{name: "identity", header: []string{"identity"}, coded: []byte(text), raw: true},
		{name: "unknown beside known", header: []string{"gzip, foo"}, coded: gz(text), raw: true},
		{name: "empty element", header: []string{"gzip,"}, coded: gz(text), raw: true},
		{name: "two in a line", header: []string{"gzip , \tbr"}, coded: brotlied(string(gz(text))), want: text},
		{name: "two lines", header: []string{"zstd", "deflate"}, coded: zl(string(zs(text))), want: text},
		{name: "ten", header: []string{strings.Repeat("gzip,", 9) + "gzip"}, coded: times(10, gz, text), want: text},
		{name: "eleven", header: []string{strings.Repeat("gzip,", 10) + "gzip"}, err: neterr.ContentDecodingInitFailed},
		{name: "inner fails", header: []string{"gzip, br"}, coded: brotlied(text), err: neterr.ContentDecodingFailed},
		{name: "outer fails", header: []string{"gzip, br"}, coded: bytes.Repeat([]byte{0xff}, 100), err: neterr.ContentDecodingFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pool coding.Pool
			for _, reader := range []struct {
				name string
				wrap func(io.Reader) io.Reader
			}{
				{"whole", func(r io.Reader) io.Reader { return r }},
				{"bytes", iotest.OneByteReader},
				{"eof with data", iotest.DataErrReader},
				{"again", iotest.HalfReader}, // decoders come out of the pool now
			} {
				if len(tt.coded) > 4096 && reader.name == "bytes" {
					continue
				}
				body := &body{Reader: reader.wrap(bytes.NewReader(tt.coded))}
				rc, decoded, err := pool.Decode(body, slices.Values(tt.header))
				if err != nil {
					if !errors.Is(err, tt.err) {
						t.Fatalf("%s: got error %v, want %v", reader.name, err, tt.err)
					}
					continue
				}
				if decoded == tt.raw {
					t.Errorf("%s: got decoded %t, want %t", reader.name, decoded, !tt.raw)
				}
				if tt.raw {
					if rc != io.ReadCloser(body) {
						t.Errorf("%s: got another body, want the same", reader.name)
					}
					continue
				}
				got, err := io.ReadAll(rc)
				if !errors.Is(err, tt.err) {
					t.Errorf("%s: got error %v, want %v", reader.name, err, tt.err)
				}
				if tt.err == nil {
					if string(got) != tt.want {
						t.Errorf("%s: got %d bytes %.80q, want %d", reader.name, len(got), got, len(tt.want))
					}
					if !body.ended {
						t.Errorf("%s: the body was not read to its end", reader.name)
					}
				}
				if err := rc.Close(); err != nil || !body.closed {
					t.Errorf("%s: got close error %v, body closed %t", reader.name, err, body.closed)
				}
			}
		})
	}
}

// A body cut anywhere gives a prefix, and no error.
func TestTruncated(t *testing.T) {
	noise := make([]byte, 300)
	rand.New(rand.NewSource(1)).Read(noise)
	plain := text + string(noise)
	var pool coding.Pool
	for _, tt := range []struct {
		name  string
		coded []byte
	}{
		{"gzip", gzFull(plain)},
		{"deflate", zl(plain)},
		{"deflate", fl(plain)},
		{"br", brotlied(plain)},
		{"zstd", slices.Concat(zs(plain), zs(plain))},
		{"gzip, br", brotlied(string(gz(plain)))},
		{"zstd, gzip", gz(string(zs(plain)))},
	} {
		longest := 0
		for i := range tt.coded {
			rc, _, err := pool.Decode(io.NopCloser(bytes.NewReader(tt.coded[:i])), one(tt.name))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(rc)
			if err != nil {
				t.Errorf("%s cut at %d: got error %v, want none", tt.name, i, err)
			}
			if !strings.HasPrefix(plain+plain, string(got)) {
				t.Errorf("%s cut at %d: got %d bytes that are no prefix", tt.name, i, len(got))
			}
			if len(got) < longest {
				t.Errorf("%s cut at %d: got %d bytes, fewer than before (%d)", tt.name, i, len(got), longest)
			}
			longest = len(got)
			rc.Close()
		}
		if longest < len(plain) && tt.name != "br" {
			t.Errorf("%s without its last byte: got %d bytes, want %d", tt.name, longest, len(plain))
		}
	}
}

// What goes wrong below is reported as it is, after the data that came before it.
func TestBodyError(t *testing.T) {
	fault := &neterr.Error{Code: neterr.ContentLengthMismatch, Op: "read"}
	for _, header := range []string{"gzip", "deflate", "br", "zstd", "gzip, zstd"} {
		coded := encode(header, text)
		for _, cut := range []int{0, 1, 5, len(coded) / 2, len(coded) - 1, len(coded)} {
			r := io.MultiReader(bytes.NewReader(coded[:cut]), iotest.ErrReader(fault))
			rc, _, _ := coding.Decode(io.NopCloser(r), one(header))
			got, err := io.ReadAll(rc)
			if err != error(fault) {
				t.Errorf("%s, fault at %d: got %v, want the body's own error", header, cut, err)
			}
			if cut == len(coded) && string(got) != text {
				t.Errorf("%s, fault at the end: got %d bytes, want all %d", header, len(got), len(text))
			}
			if _, again := rc.Read(make([]byte, 1)); again != err {
				t.Errorf("%s: reading again: got %v, want %v", header, again, err)
			}
		}
	}
}

// Decoded bytes come out as soon as the peer flushed them.
func TestStreaming(t *testing.T) {
	for _, header := range []string{"gzip", "deflate", "br", "zstd"} {
		t.Run(header, func(t *testing.T) {
			pr, pw := io.Pipe()
			rc, _, err := coding.Decode(pr, one(header))
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			next := make(chan struct{})
			go func() {
				defer close(done)
				w := newWriter(header, pw)
				for range 3 {
					io.WriteString(w, "event\n")
					w.Flush()
					<-next
				}
				w.Close()
				pw.Close()
			}()
			buf := make([]byte, 6)
			for range 3 {
				if _, err := io.ReadFull(rc, buf); err != nil || string(buf) != "event\n" {
					t.Fatalf("got %q, %v; want an event", buf, err)
				}
				next <- struct{}{}
			}
			if n, err := rc.Read(buf); n != 0 || err != io.EOF {
				t.Errorf("got %d, %v; want the end", n, err)
			}
			<-done
		})
	}
}

// A body that is a thousand times what was sent passes through in small memory.
func TestBomb(t *testing.T) {
	const size = 24 << 20
	for _, header := range []string{"gzip", "br", "zstd", "gzip, gzip"} {
		coded := bomb(header, size)
		rc, _, _ := coding.Decode(io.NopCloser(bytes.NewReader(coded)), one(header))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n, err := io.Copy(io.Discard, onlyReader{rc})
		runtime.ReadMemStats(&after)
		if n != size || err != nil {
			t.Errorf("%s: got %d bytes, %v; want %d", header, n, err, size)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 12<<20 {
			t.Errorf("%s: %d bytes out of %d allocated %d, want no more than the windows", header, size, len(coded), got)
		}
	}
}

func one(header string) func(func(string) bool) { return slices.Values([]string{header}) }

type onlyReader struct{ io.Reader }

// A body records how it was used.
type body struct {
	io.Reader
	ended, closed bool
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.ended = b.ended || err == io.EOF
	return n, err
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

// text is long enough for several symbols, short enough to be cut everywhere.
var text = strings.Repeat("the quick brown fox jumps over the lazy dog; ", 12)

// rawLikeZlib is raw deflate that starts as a zlib header does: a stored block with
// its padding bits set, which no encoder writes. Inflating what follows the two
// bytes fails at once.
var (
	rawLikeZlib     = append(append([]byte{0x78, 0x9c, 0x00}, 0x63, 0xff), rawLikeZlibText...)
	rawLikeZlibText = strings.Repeat("\xff", 0x9c)
)

type writer interface {
	io.WriteCloser
	Flush() error
}

func newWriter(header string, w io.Writer) writer {
	switch header {
	case "gzip":
		return stdgzip.NewWriter(w)
	case "deflate":
		return stdzlib.NewWriter(w)
	case "br":
		return brotli.NewWriter(w)
	case "zstd":
		zw, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic(err)
		}
		return zw
	}
	panic(header)
}

// encode applies the codings of header, a comma-separated list, in order.
func encode(header, s string) []byte {
	out := []byte(s)
	for name := range strings.SplitSeq(header, ", ") {
		var b bytes.Buffer
		w := newWriter(name, &b)
		w.Write(out)
		w.Close()
		out = b.Bytes()
	}
	return out
}

func gz(s string) []byte       { return encode("gzip", s) }
func zl(s string) []byte       { return encode("deflate", s) }
func brotlied(s string) []byte { return encode("br", s) }
func zs(s string) []byte       { return encode("zstd", s) }

func fl(s string) []byte {
	var b bytes.Buffer
	w, _ := stdflate.NewWriter(&b, stdflate.BestCompression)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

// gzFull has every optional part of the header, among them its (wrong) checksum.
func gzFull(s string) []byte {
	b := []byte{0x1f, 0x8b, 8, 1<<1 | 1<<2 | 1<<3 | 1<<4, 1, 2, 3, 4, 0, 3}
	b = append(b, 3, 0, 'a', 'b', 'c')
	b = append(b, "name\x00comment\x00\xde\xad"...)
	return append(append(b, fl(s)...), make([]byte, 8)...)
}

func zsWindow(size int) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(size), zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	w.Write(bytes.Repeat([]byte{'0'}, 10<<20)) // in two parts, so that the size is not known ahead
	w.Write(bytes.Repeat([]byte{'0'}, 10<<20))
	w.Close()
	return b.Bytes()
}

func bomb(header string, size int) []byte {
	r := io.LimitReader(zeros{}, int64(size))
	names := strings.Split(header, ", ")
	var b bytes.Buffer
	w := newWriter(names[0], &b)
	if names[0] == "br" {
		w = brotli.NewWriterLevel(&b, brotli.BestSpeed)
	}
	io.Copy(w, r)
	w.Close()
	if len(names) == 1 {
		return b.Bytes()
	}
	return encode(names[1], b.String())
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func times(n int, f func(string) []byte, s string) []byte {
	for range n {
		s = string(f(s))
	}
	return []byte(s)
}

// flip damages the byte at i, counted from the end if negative.
func flip(b []byte, i int) []byte {
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 0x55
	return b
}
