package coding

import "sync"

// A Pool keeps decoders for reuse: each is some tens of kilobytes of tables and
// buffers. The zero Pool is ready; a nil one keeps nothing. It may be used by
// several goroutines and must not be copied.
//
// It belongs to whoever decodes and is not global, since a zstd decoder has
// channels: those must not leave the testing/synctest bubble that they are made in.
type Pool struct {
	byCoding [zstd + 1]sync.Pool
}

func (p *Pool) get(c coding) decoder {
	if p != nil {
		if d, ok := p.byCoding[c].Get().(decoder); ok {
			return d
		}
	}
	switch c {
	case gzip:
		return new(gzipDecoder)
	case deflate:
		return new(deflateDecoder)
	case br:
		return new(brotliDecoder)
	default:
		return new(zstdDecoder)
	}
}

// put takes back a decoder that nobody uses any more.
func (p *Pool) put(c coding, d decoder) {
	d.reset(nil)
	if p != nil {
		p.byCoding[c].Put(d)
	}
}
