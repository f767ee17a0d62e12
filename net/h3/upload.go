package h3

import (
	"errors"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// maxWhole is how large a body in memory may be that goes with the head.
const maxWhole = 16 << 10

// An upload is a request body on its way out. A small one that is in memory goes with
// the head; for another there is a goroutine, so that the response can come while it
// lasts.
type upload struct {
	message.Upload
	st    *stream
	data  []byte // all of it, if it is whole
	whole bool
}

// newUpload prepares the body of st's request, and reads it if it is small and reading
// cannot block.
func newUpload(st *stream) (*upload, error) {
	u := &upload{st: st}
	u.Init(st.req)
	if !u.IsSmall(maxWhole) {
		return u, nil
	}
	u.data, u.whole = make([]byte, st.req.ContentLength), true
	if err := u.ReadWhole(u.data); err != nil {
		return nil, err
	}
	return u, nil
}

// run sends the body.
func (u *upload) run() {
	u.AwaitContinue(nil) // abandon ends it, too
	err := u.copy()
	if err == nil {
		u.st.endLocal()
	} else if !errors.Is(err, errStreamOver) {
		// The body itself failed: the peer waits for bytes that will never come, and
		// the caller for its answer.
		u.st.fail(neterr.FromOp("request body", err))
	}
	u.Close()
	u.Req.TraceWrote(err)
}

// errStreamOver is why a body does not go out any more. Whoever ended the stream has
// said why.
var errStreamOver = errors.New("stream is over")

func (u *upload) copy() error {
	buf := newDataBuffer()
	defer buf.free()
	st := u.st
	return u.Copy(buf.data(), func(n int, last bool) error {
		if n > 0 {
			if _, err := st.qs.Write(buf.frame(n)); err != nil {
				return errStreamOver
			}
			st.c.logData(netlog.HTTP3DataSent, st, uint64(n))
		}
		if last && u.Req.Trailer != nil {
			if _, err := st.qs.Write(st.c.enc.appendTrailer(nil, u.Trailer())); err != nil {
				return errStreamOver
			}
		}
		return nil
	})
}

// abandon makes the upload end, whose stream is over: a body that blocks in Read is
// closed under it. It does not wait: a Read that ignores Close would hold the caller up.
func (u *upload) abandon() {
	u.Continue()
	u.Close()
}

// peerStopped reports whether the peer has asked for no more of the request. What it
// answers is yet to be read.
func peerStopped(err error) bool {
	var stopped *quic.StreamError
	return errors.As(err, &stopped) && stopped.Remote
}

const (
	dataRoom  = 1 + lengthRoom // of a DATA frame's header, at most
	dataChunk = 32 << 10
)

// A dataBuffer holds a DATA frame on its way out.
type dataBuffer [dataRoom + dataChunk]byte

var dataBuffers = sync.Pool{New: func() any { return new(dataBuffer) }}

func newDataBuffer() *dataBuffer { return dataBuffers.Get().(*dataBuffer) }

func (b *dataBuffer) free() { dataBuffers.Put(b) }

// data is where the bytes to be sent are put.
func (b *dataBuffer) data() []byte { return b[dataRoom:] }

// frame returns the frame that has n bytes of data.
func (b *dataBuffer) frame(n int) []byte {
	from := dataRoom - 1 - quicvarint.Len(uint64(n))
	beginData(b[from:from], n)
	return b[from : dataRoom+n]
}

// beginData appends the header of a DATA frame.
func beginData(b []byte, n int) []byte {
	return quicvarint.Append(append(b, frameData), uint64(n))
}
