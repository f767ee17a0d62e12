package h2

import (
	"io"
	"runtime"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/neterr"
)

const (
	// inlineLimit is how much may be on its way to a peer that has not shown to have
	// read it, for a caller to write on its own goroutine: any socket takes as much
	// without waiting. Beyond that a goroutine writes, so that no caller is held up
	// and every context is heeded.
	inlineLimit = 16 << 10

	// inlineRounds is how often a caller writes before it leaves what others add
	// meanwhile to a goroutine.
	inlineRounds = 4

	// queueLimit is how much may wait for the writer before those who want to add
	// have to wait, too.
	queueLimit = 256 << 10

	// answerLimit is Chromium's kSpdySessionMaxQueuedCappedFrames.
	answerLimit = 10000

	// keepLimit is how large an output buffer may be that is kept for the next write.
	keepLimit = 64 << 10
)

// Sending is the way out. All frames are encoded into out under the lock, in the
// order in which they go over the wire; whoever finds nobody writing writes.
type sending struct {
	fr  *http2.Framer // writes to out
	enc encoder

	out, spare []byte
	queued     int64 // bytes ever put into out
	seen       int64 // of these the peer has read as many, as its answers show
	preface    int64 // where the connection preface ends
	answers    int   // frames in out that the peer made us send
	writing    bool  // somebody writes, and looks at out again afterwards
	gathering  bool  // somebody yields before it writes
	err        error // why nothing goes out any more
	leaving    bool  // the reader knows that
	window     int64 // what the connection may send: DATA

	forRoom   waiters // until out is shorter
	forWindow waiters // until window is open
}

func (s *sending) init(c *Conn) {
	s.fr = http2.NewFramer(s, nil)
	s.enc.init()
	s.window = defaultWindow
}

// Write takes what the Framer has encoded. mu is held.
func (s *sending) Write(p []byte) (int, error) {
	s.out = append(s.out, p...)
	s.queued += int64(len(p))
	return len(p), nil
}

// full reports whether who wants to add must wait.
func (s *sending) full() bool { return len(s.out) >= queueLimit }

// release lets all go on that wait to send: there is nothing to wait for any more.
func (s *sending) release() {
	s.forRoom.wake(len(s.forRoom))
	s.forWindow.wake(len(s.forWindow))
}

// writePreface sends what opens the connection, in one write.
func (c *Conn) writePreface() error {
	s := &c.send
	io.WriteString(s, http2.ClientPreface)
	settings := make([]http2.Setting, 0, len(c.cfg.HTTP2.Settings))
	for _, x := range c.cfg.HTTP2.Settings {
		settings = append(settings, http2.Setting{ID: http2.SettingID(x.ID), Val: x.Value})
	}
	s.fr.WriteSettings(settings...)
	if n := c.cfg.HTTP2.WindowUpdate; n > 0 {
		s.fr.WriteWindowUpdate(0, n)
	}
	s.preface = s.queued
	_, err := c.nc.Write(s.out)
	s.out = s.out[:0]
	return err
}

// flooded reports whether the peer makes us answer faster than it reads. mu is held.
func (c *Conn) flooded() error {
	if c.send.answers > answerLimit {
		return neterr.ConnectionClosed
	}
	return nil
}

func (c *Conn) queueWindowUpdate(id, increment uint32) {
	c.send.fr.WriteWindowUpdate(id, increment)
	c.send.answers++
}

func (c *Conn) queueReset(id uint32, code http2.ErrCode) {
	c.send.fr.WriteRSTStream(id, code)
	c.send.answers++
}

// flush sees to it that what is queued goes out. With gather set it first lets others
// add theirs. It reports whether that took time. mu is held, and let go of meanwhile.
func (c *Conn) flush(gather bool) (busy bool) {
	s := &c.send
	if s.writing || s.gathering || len(s.out) == 0 || c.dead || s.err != nil {
		return false
	}
	if gather && c.slots.open > 1 {
		c.gather()
	}
	c.flushInline()
	c.flushAside()
	return true
}

// gather lets others add to what is about to be written. mu is held, and let go of
// meanwhile.
func (c *Conn) gather() {
	s := &c.send
	s.gathering = true
	c.mu.Unlock()
	runtime.Gosched()
	c.mu.Lock()
	s.gathering = false
}

// flushInline writes what is queued, if that cannot block. mu is held, and let go of
// meanwhile.
func (c *Conn) flushInline() {
	s := &c.send
	for n := 0; n < inlineRounds && len(s.out) > 0 && s.queued-s.seen <= inlineLimit && !s.writing && !c.dead && s.err == nil; n++ {
		c.writeOnce(nil)
	}
}

// flushAside lets a goroutine write, for who must not be held up. mu is held.
func (c *Conn) flushAside() {
	s := &c.send
	if s.writing || s.gathering || len(s.out) == 0 || c.dead || s.err != nil {
		return
	}
	s.writing = true
	c.writers.Go(func() {
		c.mu.Lock()
		for len(s.out) > 0 && s.err == nil && !c.dead {
			c.writeOnce(nil)
			s.writing = true
		}
		s.writing = false
		s.forRoom.wake(len(s.forRoom))
		c.unlock()
	})
}

// writeOnce writes what is queued, then last. mu is held, and let go of while writing;
// nobody else is writing.
func (c *Conn) writeOnce(last []byte) {
	s := &c.send
	s.writing = true
	out := s.out
	s.out, s.answers = s.spare[:0], 0
	s.spare = nil
	s.forRoom.wake(queueLimit / maxFrame)
	c.mu.Unlock()
	var err error
	if len(out) > 0 {
		_, err = c.nc.Write(out)
	}
	if err == nil && last != nil {
		_, err = c.nc.Write(last)
	}
	c.mu.Lock()
	s.writing = false
	s.forRoom.wake(len(s.forRoom))
	if cap(out) <= keepLimit {
		s.spare = out
	}
	if err != nil && s.err == nil && !c.dead {
		s.err = c.reason(err)
		s.out = s.out[:0]
		c.retire(s.err)
		s.release()
	}
}

// lastWords is how long the connection is still read after writing has failed: what
// the peer said before it went may be unread, and explain it.
const lastWords = time.Second
