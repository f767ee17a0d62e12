package coding

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
)

// inputSize is how much a decoder reads ahead: as Chromium.
const inputSize = 32 << 10

// An inflater undoes raw deflate (RFC 1951). The formats around it read their
// headers from in.
type inflater struct {
	src   source
	in    *bufio.Reader // of src, or of what stands before it
	flate io.ReadCloser // over in
	done  bool          // the deflate stream came to its end
}

// reset lets go of the last source and takes src, which may be nil. top is what in
// reads from.
func (f *inflater) reset(src, top io.Reader) {
	f.src = source{r: src}
	if src == nil {
		top = nil
	}
	if f.in == nil {
		f.in = bufio.NewReaderSize(top, inputSize)
	} else {
		f.in.Reset(top)
	}
	f.restart()
}

// blank is deflate of nothing, with a code table of one entry each for literals and
// distances.
const blank = "\x05\xc0\x81\x00\x00\x00\x00\x00\x90\xff\x6b\x00"

// restart begins a new deflate stream from in.
//
// The decoder keeps its tables when reset, and a damaged stream that defines an
// empty one is decoded by what was there before: by what another body left, were it
// not for blank.
func (f *inflater) restart() {
	f.done = false
	if f.flate == nil {
		f.flate = flate.NewReader(f.in)
	}
	again := f.flate.(flate.Resetter)
	_ = again.Reset(strings.NewReader(blank), nil) // never fails
	_, _ = f.flate.Read(nil)
	_ = again.Reset(f.in, nil)
}

// inflate reads decoded bytes, then drops what follows the end of the stream. The
// error is not yet a verdict.
func (f *inflater) inflate(b []byte) (int, error) {
	if !f.done {
		n, err := f.flate.Read(b)
		if err == nil || err != io.EOF {
			return n, err
		}
		f.done = true
		if n > 0 {
			return n, nil
		}
	}
	for {
		if _, err := f.in.Discard(inputSize); err != nil {
			return 0, err
		}
	}
}

// A gzipDecoder undoes gzip (RFC 1952): of the header it wants the magic and the
// method, of the trailer nothing.
type gzipDecoder struct {
	inflater
	inBody bool
}

func (g *gzipDecoder) reset(src io.Reader) {
	g.inBody = false
	g.inflater.reset(src, &g.src)
}

func (g *gzipDecoder) Read(b []byte) (int, error) {
	if !g.inBody {
		if err := g.header(); err != nil {
			return 0, g.src.verdict(err)
		}
		g.inBody = true
	}
	n, err := g.inflate(b)
	if err != nil {
		err = g.src.verdict(err)
	}
	return n, err
}

var errGzipHeader = errors.New("not a gzip header")

// header reads the member's header (RFC 1952 section 2.3).
func (g *gzipDecoder) header() error {
	for _, want := range [...]byte{0x1f, 0x8b, 8} {
		got, err := g.in.ReadByte()
		if err != nil {
			return err
		}
		if got != want {
			return errGzipHeader
		}
	}
	flags, err := g.in.ReadByte()
	if err != nil {
		return err
	}
	if err := g.skip(6); err != nil { // time, extra flags, system
		return err
	}
	const hcrc, extra, name, comment = 1 << 1, 1 << 2, 1 << 3, 1 << 4
	if flags&extra != 0 {
		var size [2]byte
		if _, err := io.ReadFull(g.in, size[:]); err != nil {
			return err
		}
		if err := g.skip(int(size[0]) | int(size[1])<<8); err != nil {
			return err
		}
	}
	for _, text := range [...]byte{name, comment} {
		if flags&text == 0 {
			continue
		}
		for c := byte(1); c != 0; {
			if c, err = g.in.ReadByte(); err != nil {
				return err
			}
		}
	}
	if flags&hcrc != 0 {
		return g.skip(2)
	}
	return nil
}

func (g *gzipDecoder) skip(n int) error {
	_, err := g.in.Discard(n)
	return err
}

// sniffSize is within how many bytes of input a body that looked like the zlib
// format may turn out to be raw deflate.
const sniffSize = 1000

// A deflateDecoder undoes what HTTP calls deflate: the zlib format (RFC 1950), or
// the raw deflate that some servers send in its place.
type deflateDecoder struct {
	inflater
	begun bool
	sniff sniffer
}

func (d *deflateDecoder) reset(src io.Reader) {
	d.begun = false
	d.sniff = sniffer{src: &d.src, seen: d.sniff.seen[:0]}
	d.inflater.reset(src, &d.sniff)
}

func (d *deflateDecoder) Read(b []byte) (int, error) {
	if !d.begun {
		d.begun = true
		if !d.isZlib() {
			d.sniff.over = true
		}
	}
	n, err := d.inflate(b)
	if n == 0 && isCorrupt(err) && !d.sniff.over {
		d.sniff.replay()
		d.in.Reset(&d.sniff)
		d.restart()
		n, err = d.inflate(b)
	}
	if n > 0 {
		d.sniff.over = true
	}
	if err != nil {
		err = d.src.verdict(err)
	}
	return n, err
}

// isZlib skips a zlib header (RFC 1950 section 2.2) and reports whether there was
// one.
func (d *deflateDecoder) isZlib() bool {
	h, err := d.in.Peek(2)
	if err != nil {
		return false
	}
	const method, maxWindow, presetDictionary = 8, 7, 1 << 5
	if h[0]&0x0f != method || h[0]>>4 > maxWindow || h[1]&presetDictionary != 0 ||
		(int(h[0])<<8|int(h[1]))%31 != 0 {
		return false
	}
	_, _ = d.in.Discard(2)
	return true
}

func isCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

// A sniffer passes on what it reads from src. It keeps the first sniffSize bytes,
// to play them again; handing out more means that sniffing is over.
type sniffer struct {
	src  io.Reader
	seen []byte // what was handed out while sniffing
	over bool
	next []byte // what is still to be played again
}

func (s *sniffer) Read(b []byte) (int, error) {
	if len(s.next) > 0 {
		n := copy(b, s.next)
		s.next = s.next[n:]
		return n, nil
	}
	if !s.over && len(s.seen) == sniffSize {
		s.over = true
	}
	if s.over {
		return s.src.Read(b)
	}
	n, err := s.src.Read(b[:min(len(b), sniffSize-len(s.seen))])
	s.seen = append(s.seen, b[:n]...)
	return n, err
}

func (s *sniffer) replay() { s.next, s.over = s.seen, true }
