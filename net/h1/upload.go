package h1

import (
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A chunk is of Chromium's size: 16 KiB with its size line and line ends. Nobody sees
// in what pieces a body of known length was written, so those may be larger.
const (
	copyBuffer    = 64 << 10
	chunkBuffer   = 16 << 10
	chunkOverhead = 12
)

// lateUpload is how long the end of a response waits for the end of the upload
// before it gives the connection up: a peer may answer with the last byte that it
// reads, before our write has returned.
const lateUpload = 50 * time.Millisecond

// An upload is a request body on its way out, on a goroutine of its own, so that
// the response can come while it lasts.
//
// It outlives a failed exchange by as long as the body takes to notice that it was
// closed. By then whoever retries may have given the request another body, so the
// upload has its own reference.
type upload struct {
	x      *xchg
	body   io.ReadCloser
	done   chan struct{}
	goOn   chan struct{} // closed by a 100 response; nil if nobody waits for one
	goOnce sync.Once

	mu     sync.Mutex
	err    error
	closed bool
}

func startUpload(x *xchg) *upload {
	u := &upload{x: x, body: x.req.Body, done: make(chan struct{})}
	if x.req.ExpectsContinue() {
		u.goOn = make(chan struct{})
	}
	go u.run()
	return u
}

func (u *upload) run() {
	defer close(u.done)
	err := u.wait()
	if err == nil {
		err = u.copy()
	}
	u.closeBody()
	if err != nil {
		u.mu.Lock()
		u.err = err
		u.mu.Unlock()
		if !isPeerError(err) {
			// The body itself failed: the peer waits for bytes that will never
			// come, and we for its answer.
			u.x.c.end(neterr.FromOp("request body", err))
		}
	}
	u.x.req.TraceWrote(err)
}

// wait holds the body back until the peer asks for it.
func (u *upload) wait() error {
	if u.goOn == nil {
		return nil
	}
	if t := u.x.req.Trace; t != nil && t.Wait100Continue != nil {
		t.Wait100Continue()
	}
	timer := time.NewTimer(exchange.ContinueTimeout)
	defer timer.Stop()
	select {
	case <-u.goOn:
	case <-timer.C:
	}
	return u.x.c.Err()
}

// proceed lets a waiting body go, or end if the connection did.
func (u *upload) proceed() {
	if u.goOn != nil {
		u.goOnce.Do(func() { close(u.goOn) })
	}
}

func (u *upload) copy() error {
	if n := u.x.req.ContentLength; n >= 0 {
		return copyLength(u.x.c.nc, u.body, n)
	}
	return copyChunked(u.x.c.nc, u.body, u.x.req.Trailer)
}

// failed returns why the upload failed, or nil while it has not.
func (u *upload) failed() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// finished reports whether the whole body is out, waiting a moment for the end.
func (u *upload) finished() bool {
	select {
	case <-u.done:
	default:
		timer := time.NewTimer(lateUpload)
		defer timer.Stop()
		select {
		case <-u.done:
		case <-timer.C:
			return false
		}
	}
	return u.failed() == nil
}

// abandon makes the upload end: the connection is closed already, and a body that
// blocks in Read is closed under it. It does not wait: a Read that ignores Close
// would hold the caller up.
func (u *upload) abandon() {
	u.proceed()
	u.closeBody()
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

// A peerError marks failures of the connection, as against those of the body.
type peerError struct{ error }

func (e peerError) Unwrap() error { return e.error }

// isPeerError does not look into err: a body may be another exchange's.
func isPeerError(err error) bool {
	_, ok := err.(peerError)
	return ok
}

// copyBuffers are what bodies pass through in either direction.
var copyBuffers = sync.Pool{New: func() any { return new([copyBuffer]byte) }}

func copyLength(w io.Writer, body io.Reader, n int64) error {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	for left := n; ; {
		m, err := body.Read(buf[:])
		if int64(m) > left {
			return exchange.BodyLengthError(n, "more")
		}
		if m > 0 {
			if _, werr := w.Write(buf[:m]); werr != nil {
				return peerError{werr}
			}
			left -= int64(m)
		}
		switch {
		case err == io.EOF && left == 0:
			return nil
		case err == io.EOF:
			return exchange.BodyLengthError(n, "less")
		case err != nil:
			return err
		}
	}
}

func copyChunked(w io.Writer, body io.Reader, trailer func() exchange.Fields) error {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	const room = 10 // for the size line: 4 digits would do
	for {
		m, err := body.Read(buf[room : room+chunkBuffer-chunkOverhead])
		if m > 0 {
			size := fmt.Appendf(nil, "%X\r\n", m)
			start := room - len(size)
			copy(buf[start:], size)
			chunk := append(buf[start:room+m], "\r\n"...)
			if _, werr := w.Write(chunk); werr != nil {
				return peerError{werr}
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	end := append(buf[:0], "0\r\n"...)
	if trailer != nil {
		for name, value := range trailer().All() {
			if !isFraming(name) && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value) {
				end = append(append(append(append(end, name...), ": "...), value...), "\r\n"...)
			}
		}
	}
	if _, err := w.Write(append(end, "\r\n"...)); err != nil {
		return peerError{err}
	}
	return nil
}

// appendBody reads the body, which has n bytes, to its end.
func appendBody(b []byte, body io.Reader, n int) ([]byte, error) {
	start := len(b)
	for cap(b)-start < n+1 {
		b = append(b[:cap(b)], 0)
	}
	b = b[:start+n+1]
	m, err := io.ReadFull(body, b[start:])
	switch {
	case m > n:
		return b[:start], exchange.BodyLengthError(int64(n), "more")
	case m < n && (err == io.EOF || err == io.ErrUnexpectedEOF):
		return b[:start], exchange.BodyLengthError(int64(n), "less")
	case m < n:
		return b[:start], err
	}
	return b[:start+n], nil
}
