package fuzz_test

import (
	"bytes"
	stdgzip "compress/gzip"
	stdzlib "compress/zlib"
	"io"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/kaon-net/kaon/net/coding"
	"github.com/kaon-net/kaon/net/neterr"
)

// FuzzDecode decodes anything by any coding: without panics, the same however the
// bytes arrive, and as the standard library where that finds nothing wrong.
func FuzzDecode(f *testing.F) {
	var gz, zl bytes.Buffer
	w := stdgzip.NewWriter(&gz)
	io.WriteString(w, "hello, hello, hello")
	w.Close()
	z := stdzlib.NewWriter(&zl)
	io.WriteString(z, "hello, hello, hello")
	z.Close()
	f.Add(uint8(0), gz.Bytes())
	f.Add(uint8(1), zl.Bytes())
	f.Add(uint8(1), zl.Bytes()[2:])
	f.Add(uint8(2), []byte("\x0b\x02\x80hello\x03"))
	f.Add(uint8(3), []byte("\x28\xb5\x2f\xfd\x04\x00\x29\x00\x00hello\xb1\x9c\x12\xb5"))
	f.Add(uint8(4), gz.Bytes())
	var pool coding.Pool
	f.Fuzz(func(t *testing.T, which uint8, coded []byte) {
		header := []string{"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip"}[which%6]
		const limit = 1 << 20
		read := func(r io.Reader) ([]byte, error) {
			rc, _, err := pool.Decode(io.NopCloser(r), slices.Values([]string{header}))
			if err != nil {
				t.Fatalf("%s: got %v", header, err)
			}
			defer rc.Close()
			return io.ReadAll(io.LimitReader(rc, limit))
		}
		got, err := read(bytes.NewReader(coded))
		if err != nil && neterr.CodeOf(err) != neterr.ContentDecodingFailed && neterr.CodeOf(err) != neterr.ZstdWindowSizeTooBig {
			t.Errorf("%s: got error %v without a code of decoding", header, err)
		}
		slow, slowErr := read(iotest.OneByteReader(bytes.NewReader(coded)))
		if neterr.CodeOf(slowErr) != neterr.CodeOf(err) || err == nil && !bytes.Equal(slow, got) {
			t.Errorf("%s: byte by byte got %d bytes, %v; at once %d, %v", header, len(slow), slowErr, len(got), err)
		}
		var std io.Reader
		var stdErr error
		switch header {
		case "gzip":
			var r *stdgzip.Reader
			if r, stdErr = stdgzip.NewReader(bytes.NewReader(coded)); stdErr == nil {
				r.Multistream(false)
				std = r
			}
		case "deflate":
			std, stdErr = stdzlib.NewReader(bytes.NewReader(coded))
		default:
			return
		}
		if stdErr != nil {
			return
		}
		want, stdErr := io.ReadAll(io.LimitReader(std, limit))
		if stdErr == nil && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%s: got %d bytes, %v; the standard library %d", header, len(got), err, len(want))
		}
	})
}
