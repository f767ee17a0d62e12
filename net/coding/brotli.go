package coding

import (
	"io"

	"github.com/andybalholm/brotli"
)

// A brotliDecoder undoes br (RFC 7932).
type brotliDecoder struct {
	src  source
	r    brotli.Reader
	done bool
}

func (d *brotliDecoder) reset(src io.Reader) {
	d.src, d.done = source{r: src}, false
	if src != nil {
		_ = d.r.Reset(&d.src) // never fails
	}
}

func (d *brotliDecoder) Read(b []byte) (int, error) {
	if d.done {
		return 0, d.src.drain(b)
	}
	for {
		n, err := d.r.Read(b)
		switch {
		case err == nil && n == 0: // at the end of the stream, before that of the source
			continue
		case err == nil:
			return n, nil
		case err.Error() == "brotli: excessive input":
			// The decoder has no name for it: the stream ended, the body did not.
			d.done = true
			if n > 0 {
				return n, nil
			}
			return 0, d.src.drain(b)
		}
		return n, d.src.verdict(err)
	}
}
