package h2

import (
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// An upload is a request body on its way out. A small one that is in memory goes with
// the head; for another there is a goroutine, so that the response can come while it
// lasts.
type upload struct {
	st    *stream
	req   *exchange.Request
	body  io.ReadCloser // req's: another attempt may give req another one
	frame *frameBuffer
	n     int           // bytes in frame
	whole bool          // they are all
	goOn  chan struct{} // signalled by a 100 response; nil if nobody waits for one

	mu     sync.Mutex
	closed bool
}

// newUpload prepares the body of st's request, and reads it if it is small and
// reading cannot block.
func newUpload(st *stream) (*upload, error) {
	req := st.req
	u := &upload{st: st, req: req, body: req.Body}
	if req.ExpectsContinue() {
		u.goOn = make(chan struct{}, 1)
		return u, nil
	}
	if req.ContentLength < 0 || req.ContentLength > maxData || req.Trailer != nil || !exchange.InMemory(req.Body) {
		return u, nil
	}
	u.frame = newFrameBuffer()
	err := u.fill()
	u.closeBody()
	if err != nil {
		u.free()
		return nil, err
	}
	u.whole = true
	return u, nil
}

// fill reads a body that fits into one frame.
func (u *upload) fill() error {
	want := int(u.req.ContentLength)
	n, err := io.ReadFull(u.body, u.frame.data()[:want])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return exchange.BodyLengthError(u.req.ContentLength, "less")
	}
	if err != nil {
		return neterr.FromOp("request body", err)
	}
	var more [1]byte
	if m, _ := u.body.Read(more[:]); m > 0 {
		return exchange.BodyLengthError(u.req.ContentLength, "more")
	}
	u.n = n
	return nil
}

func (u *upload) free() {
	u.frame.free()
	u.frame = nil
}

// queueWhole puts a body that was read behind its head, if the windows allow. mu is
// held.
func (c *Conn) queueWhole(st *stream, u *upload) bool {
	if n := int64(u.n); !u.whole || n > st.window || n > c.send.window {
		return false
	}
	c.send.fr.WriteData(st.id, true, u.frame.data()[:u.n])
	st.window -= int64(u.n)
	c.send.window -= int64(u.n)
	st.localEnd = true
	u.free()
	return true
}

// run sends the body.
func (u *upload) run() {
	err := u.wait()
	if err == nil {
		err = u.copy()
	}
	u.closeBody()
	u.free()
	if err != nil && !errors.Is(err, errStreamOver) {
		// The body itself failed: the peer waits for bytes that will never come, and
		// the caller for its answer.
		u.st.c.reset(u.st, http2.ErrCodeCancel, neterr.FromOp("request body", err))
	}
	u.req.TraceWrote(err)
}

// wait holds the body back until the peer asks for it.
func (u *upload) wait() error {
	if u.goOn == nil {
		return nil
	}
	if t := u.req.Trace; t != nil && t.Wait100Continue != nil {
		t.Wait100Continue()
	}
	timer := time.NewTimer(exchange.ContinueTimeout)
	defer timer.Stop()
	select {
	case <-u.goOn:
	case <-timer.C:
	case <-u.st.sender.wake: // the stream is over, which copy will find
	}
	return nil
}

func (u *upload) copy() error {
	c, st := u.st.c, u.st
	if u.whole {
		return c.sendData(st, u.frame, u.n, true)
	}
	if u.frame == nil {
		u.frame = newFrameBuffer()
	}
	length, trailer := u.req.ContentLength, u.req.Trailer != nil
	for left := length; ; {
		n, err := u.body.Read(u.frame.data())
		if length >= 0 && int64(n) > left {
			return exchange.BodyLengthError(length, "more")
		}
		if left -= int64(n); length > 0 && left == 0 && err == nil {
			err = u.ended() // so that END_STREAM can go with the last bytes
		}
		if err != nil && err != io.EOF {
			return err
		}
		if err == io.EOF && length > 0 && left > 0 {
			return exchange.BodyLengthError(length, "less")
		}
		if end := err == io.EOF; n > 0 || end && !trailer {
			if err := c.sendData(st, u.frame, n, end && !trailer); err != nil {
				return err
			}
		}
		if err == io.EOF {
			if trailer {
				return c.sendTrailer(st, trailerFields(u.req.Trailer()))
			}
			return nil
		}
	}
}

// ended reads on where the body should end, and returns io.EOF if it does.
func (u *upload) ended() error {
	var more [1]byte
	for {
		n, err := u.body.Read(more[:])
		if n > 0 {
			return exchange.BodyLengthError(u.req.ContentLength, "more")
		}
		if err != nil {
			return err
		}
	}
}

// trailerFields keeps what may stand in a trailer section.
func trailerFields(all exchange.Fields) exchange.Fields {
	kept := all[:0:0]
	for i := range all {
		if f := all[i]; httpguts.ValidTrailerHeader(f.Name) && checkFields(all[i:i+1]) == nil && !isDropped(strings.ToLower(f.Name)) {
			kept = append(kept, f)
		}
	}
	return kept
}

// stopUpload is called when the response is over: what is left of the request body
// is of no use to anyone.
func (st *stream) stopUpload() {
	c := st.c
	c.mu.Lock()
	over := st.localEnd
	c.mu.Unlock()
	if !over {
		c.reset(st, http2.ErrCodeCancel, errStreamOver)
	}
	st.abandonUpload()
}

// abandonUpload makes the upload end, whose stream is over: a body that blocks in Read
// is closed under it. It does not wait: a Read that ignores Close would hold the caller
// up.
func (st *stream) abandonUpload() {
	if s := st.sender; s != nil && s.up != nil {
		signal(s.wake)
		s.up.closeBody()
	}
}

func (u *upload) closeBody() {
	u.mu.Lock()
	closed := u.closed
	u.closed = true
	u.mu.Unlock()
	if !closed {
		u.body.Close()
	}
}
