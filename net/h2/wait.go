package h2

import "slices"

// Waiters are goroutines that wait in turn, each on a channel of one element. Waking
// is a hint: who is woken looks again, and may have to wait anew.
type waiters []chan struct{}

func (w *waiters) add(ch chan struct{}) { *w = append(*w, ch) }

// wake wakes up to n of them, first come first served.
func (w *waiters) wake(n int) {
	q := *w
	n = min(n, len(q))
	for i := range n {
		signal(q[i])
		q[i] = nil
	}
	if n == len(q) {
		*w = q[:0]
		return
	}
	*w = q[n:]
}

// remove takes one out that does not wait any more.
func (w *waiters) remove(ch chan struct{}) {
	if i := slices.Index(*w, ch); i >= 0 {
		*w = slices.Delete(*w, i, i+1)
	}
}

// signal wakes who waits on ch, now or later.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
