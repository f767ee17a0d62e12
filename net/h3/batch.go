package h3

import (
	"errors"
	"runtime"

	"github.com/quic-go/quic-go"
)

// A batch is the requests that go out together. quic-go packs what there is as soon as
// the first has been written, so that requests of goroutines that were woken together
// would get a packet and a system call each: whoever finds nobody writing lets the others
// run first and then writes for all.
type batch struct {
	writing bool
	queue   []*stream
	spare   []*stream // the queue before
}

// write sends what st has to say, which is all of its request, or leaves that to who is
// writing. It does not block.
func (c *Conn) write(st *stream) {
	c.mu.Lock()
	b := &c.batch
	b.queue = append(b.queue, st)
	if b.writing {
		c.mu.Unlock()
		return
	}
	b.writing = true
	alone := len(c.streams) == 1
	c.mu.Unlock()
	if !alone {
		runtime.Gosched()
	}
	c.mu.Lock()
	for len(b.queue) > 0 {
		some := b.queue
		b.queue = b.spare[:0]
		c.mu.Unlock()
		for i, st := range some {
			some[i] = nil
			st.writeWhole()
		}
		c.mu.Lock()
		b.spare = some
	}
	b.writing = false
	c.mu.Unlock()
}

// writeWhole sends the request. Nobody is told of an error: whoever reads the response
// meets it.
func (st *stream) writeWhole() {
	st.c.sendPriority(st)
	if err := st.qs.TryWriteAll(st.out); errors.Is(err, quic.ErrWouldBlock) {
		st.c.writeLater(st)
		return
	}
	st.written()
}

// writeLater waits for the peer's windows, if the connection is not over.
func (c *Conn) writeLater(st *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return
	}
	c.helpers.Go(func() {
		st.qs.Write(st.out)
		st.written()
	})
}

// written ends a request that is on its way.
func (st *stream) written() {
	freeHead(st.out)
	st.endLocal()
}
