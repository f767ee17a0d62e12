package tls

import "sync"

// maxStock is how many connections a browser opens to one host at once, and some.
const maxStock = 8

// A stock holds keys made ahead, so that a handshake that follows another finds its
// own ready. It begins empty, and holds no more than were ever missing at once.
type stock struct {
	make func() *keys

	mu      sync.Mutex
	ready   []*keys
	want    int // to hold when idle
	filling bool
	closed  bool
	fillers sync.WaitGroup // one while filling
}

// take returns keys that nobody else has: from the stock, or new ones.
func (s *stock) take() *keys {
	s.mu.Lock()
	if last := len(s.ready) - 1; last >= 0 {
		k := s.ready[last]
		s.ready[last] = nil
		s.ready = s.ready[:last]
		s.mu.Unlock()
		return k
	}
	s.want = min(s.want+1, maxStock)
	s.mu.Unlock()
	return s.make()
}

// refill has made what is missing, in the background. The goroutine ends when that is
// done.
func (s *stock) refill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.filling || len(s.ready) >= s.want {
		return
	}
	s.filling = true
	s.fillers.Go(s.fill)
}

func (s *stock) fill() {
	for {
		k := s.make()
		s.mu.Lock()
		if !s.closed {
			s.ready = append(s.ready, k)
		}
		s.filling = !s.closed && len(s.ready) < s.want
		done := !s.filling
		s.mu.Unlock()
		if done {
			return
		}
	}
}

// close drops what there is and waits for what is being made. Take still works.
func (s *stock) close() {
	s.mu.Lock()
	s.closed, s.ready = true, nil
	s.mu.Unlock()
	s.fillers.Wait()
}
