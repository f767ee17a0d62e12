package h2

import (
	"encoding/binary"
	"sync"

	"golang.org/x/net/http2"
)

const (
	// maxData is the largest DATA that Chromium sends: with its header it fills one
	// TLS record.
	maxData = maxFrame - frameHeaderLen

	// batch is how many such frames go out in one write at most.
	batch = 4
)

// A frameBuffer holds DATA on its way out. What is read into its data is split into
// frames in place, so that one write takes them all.
type frameBuffer [batch * maxFrame]byte

var frameBuffers = sync.Pool{New: func() any { return new(frameBuffer) }}

func newFrameBuffer() *frameBuffer { return frameBuffers.Get().(*frameBuffer) }

func (b *frameBuffer) free() {
	if b != nil {
		frameBuffers.Put(b)
	}
}

// data is where the bytes to be sent are put: behind the room that the frame headers
// will take.
func (b *frameBuffer) data() []byte { return b[batch*frameHeaderLen:] }

// split moves n bytes of data apart, to make room for a header in front of each frame.
func (b *frameBuffer) split(n int) pieces {
	data := b.data()[:n]
	for at := frameHeaderLen; len(data) > 0; at += maxFrame {
		data = data[copy(b[at:at+min(maxData, len(data))], data):]
	}
	return pieces{b: b, left: n, here: min(maxData, n)}
}

// Pieces are the frames of a buffer that are still to be sent.
type pieces struct {
	b    *frameBuffer
	at   int // where the next frame begins
	here int // bytes of data that it has
	left int // and all together
}

// next returns the next frames, of room bytes of data at most: whole ones, or a part of
// one if there is room for no more.
func (p *pieces) next(room int, id uint32, end bool) (piece []byte, size int) {
	start := p.at
	for {
		n := min(p.here, room-size)
		if n < p.here && size > 0 {
			break
		}
		putFrameHeader(p.b[p.at:], n, id, end && n == p.left)
		size += n
		p.left -= n
		if n < p.here {
			// The header of what is left goes where the bytes being sent end.
			p.here -= n
			piece = p.b[start : p.at+frameHeaderLen+n]
			p.at += n
			return piece, size
		}
		p.at += frameHeaderLen + n
		p.here = min(maxData, p.left)
		if p.left == 0 || size == room {
			break
		}
	}
	return p.b[start:p.at], size
}

func putFrameHeader(b []byte, n int, id uint32, end bool) {
	b[0], b[1], b[2] = byte(n>>16), byte(n>>8), byte(n)
	b[3], b[4] = byte(http2.FrameData), 0
	if end {
		b[4] = byte(http2.FlagDataEndStream)
	}
	binary.BigEndian.PutUint32(b[5:], id)
}
