package coding

import (
	"errors"
	"io"

	kzstd "github.com/klauspost/compress/zstd"

	"github.com/kaon-net/kaon/net/neterr"
)

// maxZstdWindow is how far back a frame may refer (RFC 9659 section 3).
const maxZstdWindow = 8 << 20

// A zstdDecoder undoes zstd (RFC 8878), on the goroutine that reads.
type zstdDecoder struct {
	src source
	r   *kzstd.Decoder
	err error // the verdict on r's error, once it reported one
}

func (d *zstdDecoder) reset(src io.Reader) {
	d.src, d.err = source{r: src}, nil
	switch {
	case d.r != nil && src == nil:
		_ = d.r.Reset(nil)
	case d.r != nil:
		d.err = d.r.Reset(&d.src)
	case src != nil:
		d.r, d.err = kzstd.NewReader(&d.src,
			kzstd.WithDecoderConcurrency(1), // without goroutines
			kzstd.WithDecoderLowmem(true),
			kzstd.WithDecoderMaxWindow(maxZstdWindow))
	}
}

func (d *zstdDecoder) Read(b []byte) (int, error) {
	if d.err != nil && d.err != io.EOF {
		return 0, d.err
	}
	n, err := d.r.Read(b)
	if err != nil && d.err == nil {
		d.err = d.verdict(err)
		if d.err == io.EOF && n == 0 {
			// A block whose frame lacks only its checksum is ready all the same.
			n, _ = d.r.Read(b)
		}
	}
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, d.err
}

func (d *zstdDecoder) verdict(err error) error {
	if errors.Is(err, kzstd.ErrWindowSizeExceeded) || errors.Is(err, kzstd.ErrDecoderSizeExceeded) {
		return failed(neterr.ZstdWindowSizeTooBig, err)
	}
	return d.src.verdict(err)
}
