package h1

import (
	"io"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// maxChunkLine limits a chunk's size line with its extensions (Chromium:
// HttpChunkedDecoder::kMaxLineBufLen).
const maxChunkLine = 16 << 10

// A chunked decodes the chunked transfer coding (RFC 9112 section 7.1).
type chunked struct {
	left    int64 // of the current chunk's data
	limit   int32 // for the trailer section, in bytes
	state   chunkState
	trailer *exchange.Fields // nil: none yet; a pointer, since few bodies have one
}

type chunkState uint8

const (
	chunkSize    chunkState = iota // before a size line
	chunkData                      // inside data
	chunkEnd                       // before the line end that follows data
	chunkTrailer                   // before a trailer field or the empty line
	chunkDone
)

// read gives decoded bytes, with io.EOF as soon as the end of the coding has been
// received, and io.ErrUnexpectedEOF when the peer closed before it.
func (d *chunked) read(in *input, p []byte) (int, error) {
	for {
		if err := d.advance(in, true); err != nil {
			return 0, err
		}
		n := len(p)
		if int64(n) > d.left {
			n = int(d.left)
		}
		n, err := in.read(p[:n])
		d.left -= int64(n)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if d.left == 0 {
			d.state = chunkEnd
			if err == nil {
				// The end may be here already: the connection is then free with
				// the last bytes, not one Read later.
				if end := d.advance(in, false); end != nil && end != errWait {
					err = end
				}
			}
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// drain skips what is buffered and returns io.EOF if the coding ended in it.
func (d *chunked) drain(in *input) error {
	for {
		if err := d.advance(in, false); err != nil {
			return err
		}
		n := min(d.left, int64(in.buffered()))
		if n == 0 {
			return errWait
		}
		in.consume(int(n))
		if d.left -= n; d.left == 0 {
			d.state = chunkEnd
		}
	}
}

// errWait says that the next step needs bytes that are not buffered.
var errWait error = neterr.IOPending

// advance consumes lines until data is next. It returns io.EOF at the end of the
// coding; without wait it returns errWait instead of reading from the peer.
func (d *chunked) advance(in *input, wait bool) error {
	for d.state != chunkData {
		if d.state == chunkDone {
			return io.EOF
		}
		line, ok := in.line()
		if !ok {
			switch {
			case in.buffered() >= maxChunkLine:
				return neterr.InvalidChunkedEncoding
			case !wait:
				return errWait
			}
			if err := in.fill(); err == io.EOF {
				return io.ErrUnexpectedEOF
			} else if err != nil {
				return err
			}
			continue
		}
		if len(line) > maxChunkLine {
			return neterr.InvalidChunkedEncoding
		}
		if err := d.line(line); err != nil {
			return err
		}
	}
	return nil
}

func (d *chunked) line(line []byte) error {
	switch d.state {
	case chunkEnd:
		if len(line) != 0 {
			return neterr.InvalidChunkedEncoding
		}
		d.state = chunkSize
	case chunkSize:
		n, err := parseChunkSize(line)
		if err != nil {
			return err
		}
		if d.left, d.state = n, chunkData; n == 0 {
			d.state = chunkTrailer
		}
	case chunkTrailer:
		if len(line) == 0 {
			d.state = chunkDone
			return nil
		}
		if d.limit -= int32(len(line) + 2); d.limit < 0 {
			return neterr.ResponseHeadersTooBig
		}
		d.addTrailer(string(line))
	}
	return nil
}

// parseChunkSize reads hex digits, then perhaps spaces, then perhaps extensions,
// which are ignored. No sign, no prefix, no white space before.
func parseChunkSize(line []byte) (int64, error) {
	var n int64
	i := 0
	for ; i < len(line); i++ {
		digit, ok := unhex(line[i])
		if !ok {
			break
		}
		if n >= 1<<59 {
			return 0, neterr.InvalidChunkedEncoding
		}
		n = n<<4 | int64(digit)
	}
	if i == 0 {
		return 0, neterr.InvalidChunkedEncoding
	}
	for ; i < len(line) && line[i] != ';'; i++ {
		if line[i] != ' ' {
			return 0, neterr.InvalidChunkedEncoding
		}
	}
	return n, nil
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// addTrailer keeps a trailer field unless it would change how the message was
// framed (RFC 9110 section 6.5.1) or is no field at all.
func (d *chunked) addTrailer(line string) {
	for i := 0; i < len(line); i++ {
		if line[i] != ':' {
			continue
		}
		name := line[:i]
		if httpguts.ValidHeaderFieldName(name) && !isFraming(name) {
			if d.trailer == nil {
				d.trailer = new(exchange.Fields)
			}
			d.trailer.Add(name, trim(line[i+1:]))
		}
		return
	}
}
