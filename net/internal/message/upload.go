package message

import (
	"io"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// An Upload is a request's body on its way out.
type Upload struct {
	Req  *exchange.Request
	body io.ReadCloser // Req's: another attempt may give Req another one
	goOn chan struct{} // signalled by a 100 response; nil if nobody waits for one

	mu     sync.Mutex
	closed bool
}

// Init makes u the upload of req's Body.
func (u *Upload) Init(req *exchange.Request) {
	u.Req, u.body = req, req.Body
	if req.ExpectsContinue() {
		u.goOn = make(chan struct{}, 1)
	}
}

// IsSmall reports whether the body has limit bytes at most and can be read without
// blocking, so that it may go with the head.
func (u *Upload) IsSmall(limit int64) bool {
	n := u.Req.ContentLength
	return u.goOn == nil && n >= 0 && n <= limit && u.Req.Trailer == nil && exchange.InMemory(u.body)
}

// ReadWhole reads the body, which is as long as buf, and closes it.
func (u *Upload) ReadWhole(buf []byte) error {
	defer u.Close()
	switch _, err := io.ReadFull(u.body, buf); err {
	case nil:
	case io.EOF, io.ErrUnexpectedEOF:
		return u.lengthError("less")
	default:
		return neterr.FromOp("request body", err)
	}
	var more [1]byte
	if n, _ := u.body.Read(more[:]); n > 0 {
		return u.lengthError("more")
	}
	return nil
}

// AwaitContinue holds the body back until the peer asks for it, it takes too long to, or
// over says that the exchange is.
func (u *Upload) AwaitContinue(over <-chan struct{}) {
	if u.goOn == nil {
		return
	}
	if t := u.Req.Trace; t != nil && t.Wait100Continue != nil {
		t.Wait100Continue()
	}
	timer := time.NewTimer(exchange.ContinueTimeout)
	defer timer.Stop()
	select {
	case <-u.goOn:
	case <-timer.C:
	case <-over:
	}
}

// Continue lets a body go that is held back.
func (u *Upload) Continue() {
	select {
	case u.goOn <- struct{}{}:
	default: // nobody waits, or who waits was told already
	}
}

// Copy reads the body into buf, piece by piece, and gives each to send: n bytes of buf,
// and whether they are the last. The last piece is empty where the body's end could not
// be foreseen. It fails as send does, or as the body, whose errors are its own.
func (u *Upload) Copy(buf []byte, send func(n int, last bool) error) error {
	length := u.Req.ContentLength
	for left := length; ; {
		n, err := u.body.Read(buf)
		if length >= 0 && int64(n) > left {
			return u.lengthError("more")
		}
		if left -= int64(n); length > 0 && left == 0 && err == nil {
			err = u.ended() // so that the end can go with the last bytes
		}
		if err != nil && err != io.EOF {
			return err
		}
		last := err == io.EOF
		if last && length > 0 && left > 0 {
			return u.lengthError("less")
		}
		if n > 0 || last {
			if err := send(n, last); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// ended reads on where the body should end, and returns io.EOF if it does.
func (u *Upload) ended() error {
	var more [1]byte
	for {
		n, err := u.body.Read(more[:])
		if n > 0 {
			return u.lengthError("more")
		}
		if err != nil {
			return err
		}
	}
}

func (u *Upload) lengthError(than string) error {
	return exchange.BodyLengthError(u.Req.ContentLength, than)
}

// Trailer returns what of the request's trailer fields may be sent.
func (u *Upload) Trailer() exchange.Fields {
	all := u.Req.Trailer()
	kept := all[:0:0]
	for i := range all {
		if f := all[i]; httpguts.ValidTrailerHeader(f.Name) && CheckFields(all[i:i+1]) == nil && !IsDropped(strings.ToLower(f.Name)) {
			kept = append(kept, f)
		}
	}
	return kept
}

// Close closes the body, once. It may be called while Copy reads: a body that blocks in
// Read is closed under it.
func (u *Upload) Close() {
	u.mu.Lock()
	closed := u.closed
	u.closed = true
	u.mu.Unlock()
	if !closed {
		u.body.Close()
	}
}
