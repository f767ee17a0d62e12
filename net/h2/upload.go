package h2

import (
	"errors"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
)

// An upload is a request body on its way out. A small one that is in memory goes with
// the head; for another there is a goroutine, so that the response can come while it
// lasts.
type upload struct {
	message.Upload
	st    *stream
	frame *frameBuffer
	n     int  // bytes in frame
	whole bool // they are all
}

// newUpload prepares the body of st's request, and reads it if it is small and
// reading cannot block.
func newUpload(st *stream) (*upload, error) {
	u := &upload{st: st}
	u.Init(st.req)
	if !u.IsSmall(maxData) {
		return u, nil
	}
	u.frame, u.n = newFrameBuffer(), int(st.req.ContentLength)
	if err := u.ReadWhole(u.frame.data()[:u.n]); err != nil {
		u.free()
		return nil, err
	}
	u.whole = true
	return u, nil
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
	u.AwaitContinue(u.st.sender.wake) // which copy finds to be over
	err := u.copy()
	u.Close()
	u.free()
	if err != nil && !errors.Is(err, errStreamOver) {
		// The body itself failed: the peer waits for bytes that will never come, and
		// the caller for its answer.
		u.st.c.reset(u.st, http2.ErrCodeCancel, neterr.FromOp("request body", err))
	}
	u.Req.TraceWrote(err)
}

func (u *upload) copy() error {
	c, st := u.st.c, u.st
	if u.whole {
		return c.sendData(st, u.frame, u.n, true)
	}
	if u.frame == nil {
		u.frame = newFrameBuffer()
	}
	trailer := u.Req.Trailer != nil
	return u.Copy(u.frame.data(), func(n int, last bool) error {
		if n > 0 || !trailer {
			if err := c.sendData(st, u.frame, n, last && !trailer); err != nil {
				return err
			}
		}
		if last && trailer {
			return c.sendTrailer(st, u.Trailer())
		}
		return nil
	})
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
		s.up.Close()
	}
}
