package h3

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A body is the response body of one stream, read by the caller as it comes. Close may
// come from another goroutine at any time.
type body struct {
	st *stream

	// Used by the one who reads.
	frame   uint64 // bytes of the DATA frame that are still to come
	left    int64  // that content-length promises still; -1 is unknown
	trailed bool   // the trailer section came
	err     error  // what Read returns from now on

	mu       sync.Mutex // guards what follows
	fields   exchange.Fields
	whole    bool // it was read to its end
	reading  bool // a Read is under way
	closed   bool
	finished bool
	logged   bool
}

// open returns what the caller reads from: where nothing is to come, http.NoBody.
func (b *body) open() io.ReadCloser {
	r := &b.st.resp
	if b.st.in.atEnd() && b.left <= 0 {
		if r.ContentLength < 0 {
			r.ContentLength = 0
		}
		b.finish(io.EOF)
		return http.NoBody
	}
	r.Trailer = b.trailer
	if b.logged = b.st.req.NetLog.On(); b.logged {
		b.st.req.NetLog.Begin(netlog.HTTPTransactionReadBody)
	}
	return b
}

// Read reads the body. A body that failed gives what came before it did.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b.mu.Lock()
	if b.reading || b.closed {
		err := error(errTwoReads)
		if b.closed {
			err = http.ErrBodyReadAfterClose
		}
		b.mu.Unlock()
		return 0, err
	}
	b.reading = true
	b.mu.Unlock()
	n, err := 0, b.err
	if err == nil {
		n, err = b.read(p)
		b.err = err
		b.st.resp.Info.WireRead = b.st.in.total
	}
	b.mu.Lock()
	b.reading = false
	closed := b.closed
	b.whole = b.whole || err == io.EOF
	b.mu.Unlock()
	if closed {
		b.finish(neterr.Aborted) // where Close left it to us
		return 0, http.ErrBodyReadAfterClose
	}
	if err != nil {
		b.finish(err)
	}
	return n, err
}

func (b *body) read(p []byte) (int, error) {
	st := b.st
	for b.frame == 0 {
		typ, n, err := st.in.frame()
		if err == io.EOF {
			return 0, b.end()
		}
		if err == nil {
			err = b.begin(typ, n)
		}
		if err != nil {
			return 0, st.failure(err)
		}
	}
	n, err := st.in.Read(p[:min(uint64(len(p)), b.frame)])
	if n == 0 {
		return 0, st.failure(within(err))
	}
	b.frame -= uint64(n)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			return 0, st.malformed(neterr.ContentLengthMismatch)
		}
	}
	if b.frame == 0 && st.in.atEnd() {
		return n, b.end()
	}
	return n, nil
}

// begin takes the next frame of the stream.
func (b *body) begin(typ, n uint64) error {
	switch {
	case typ == frameData && !b.trailed:
		if b.frame = n; n == 0 {
			return b.st.in.wasted()
		}
		b.st.c.logData(netlog.HTTP3DataFrameReceived, b.st, n)
		return nil
	case typ == frameHeaders && !b.trailed:
		b.trailed = true
		return b.takeTrailer(n)
	}
	if err := unexpected(typ); err != nil {
		return err
	}
	return b.st.in.skip(n)
}

func (b *body) takeTrailer(n uint64) error {
	s, err := b.st.readSection(n, nil)
	if err != nil {
		return err
	}
	if s.Status != 0 {
		return b.st.malformed(neterr.QUICProtocolError)
	}
	b.mu.Lock()
	b.fields = s.Fields
	b.mu.Unlock()
	return nil
}

// end is what the end of the stream means.
func (b *body) end() error {
	if b.left > 0 {
		return b.st.c.reason(neterr.ContentLengthMismatch)
	}
	return io.EOF
}

// Close ends the stream if it is not over yet. It may be called while another
// goroutine reads: that Read then fails.
func (b *body) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	reading, over := b.reading, b.finished
	b.mu.Unlock()
	if over {
		return nil
	}
	b.st.fail(&neterr.Error{Code: neterr.Aborted, Op: "http/3", Err: http.ErrBodyReadAfterClose})
	if !reading {
		b.finish(neterr.Aborted)
	}
	return nil
}

// finish ends the exchange, once: with io.EOF the body came whole.
func (b *body) finish(err error) {
	b.mu.Lock()
	done := b.finished
	b.finished = true
	b.mu.Unlock()
	if done {
		return
	}
	if err != io.EOF {
		b.st.fail(err)
	}
	b.st.release()
	if b.logged {
		if err == io.EOF {
			err = nil
		}
		b.st.req.NetLog.EndErr(netlog.HTTPTransactionReadBody, err)
	}
}

// trailer returns the trailer section of a body that came whole, else nothing.
func (b *body) trailer() exchange.Fields {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.whole {
		return nil
	}
	return b.fields
}

var errTwoReads = &neterr.Error{Code: neterr.InvalidArgument, Op: "http/3", Err: errors.New("two reads of a body at once")}
