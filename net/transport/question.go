package transport

import (
	"context"
	"crypto/sha256"
	"sync"

	"github.com/kaon-net/kaon/net/neterr"
)

// A question is what the program is asked about: a server's certificate, or with a zero
// cert the client's for a server.
type question struct {
	server server
	cert   [sha256.Size]byte
}

// questions are those that are being asked. The zero value is ready.
type questions struct {
	mu   sync.Mutex
	open map[question]*answer
}

type answer struct {
	given   chan struct{} // closed when what follows is settled
	settled bool          // false if who asked has left
	err     error
}

// once has ask settle q. Others who come with the same question meanwhile get the same
// answer; if the request that asks ends without one, the next of them asks.
func (qs *questions) once(ctx context.Context, q question, ask func() error) error {
	for {
		a, mine := qs.begin(q)
		if mine {
			return qs.settle(ctx, q, a, ask)
		}
		select {
		case <-a.given:
			if a.settled {
				return a.err
			}
		case <-ctx.Done():
			return neterr.FromContext(ctx)
		}
	}
}

// begin returns the answer that others wait for, or one that is the caller's to give.
func (qs *questions) begin(q question) (a *answer, mine bool) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if a = qs.open[q]; a != nil {
		return a, false
	}
	if qs.open == nil {
		qs.open = make(map[question]*answer)
	}
	a = &answer{given: make(chan struct{})}
	qs.open[q] = a
	return a, true
}

// settle ends the question even if the program's code panics.
func (qs *questions) settle(ctx context.Context, q question, a *answer, ask func() error) error {
	defer func() {
		qs.mu.Lock()
		delete(qs.open, q)
		qs.mu.Unlock()
		close(a.given)
	}()
	err := ask()
	if ended := neterr.FromContext(ctx); ended != nil && err != nil {
		return ended
	}
	a.settled, a.err = true, err
	return err
}
