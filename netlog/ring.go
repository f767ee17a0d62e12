package netlog

import (
	"bytes"
	"io"
)

// ringParts is how many parts a bounded recording is kept in. The oldest is given up
// as a whole, so nine tenths of the limit are always there.
const ringParts = 10

// A ring keeps the newest events in parts, used in turn, and joins them at the end.
type ring struct {
	store ringStore
	limit int64 // bytes a part; it ends with the event that reaches it
	parts []part
	sizes [ringParts]int64
	cur   int // the part being written
	head  []byte
}

// A ringStore is where a ring's parts live, and where they end up.
type ringStore interface {
	begin(head []byte) error
	newPart(i int) (part, error)
	result() (io.Writer, error) // called once, after the last event
	finish(tail []byte) error
	abort()
}

// A part is a buffer in memory or a file.
type part interface {
	io.Writer
	clear() error
	copyTo(w io.Writer, n int64) error // its first n bytes
}

func newRing(store ringStore, maxSize int64) *ring {
	return &ring{store: store, limit: max(maxSize/ringParts, 1)}
}

func (r *ring) begin(head []byte) error {
	r.head = head
	return r.store.begin(head)
}

func (r *ring) write(batch []byte) error {
	for events := batch[len(separator):]; len(events) > 0; {
		p, err := r.part()
		if err != nil {
			return err
		}
		n := len(events)
		if room := r.limit - r.sizes[r.cur]; int64(n) > room {
			n = int(room) + bytes.IndexByte(events[room-1:], '\n')
		}
		if err := writeAll(p, events[:n]); err != nil {
			return err
		}
		r.sizes[r.cur] += int64(n)
		events = events[n:]
	}
	return nil
}

// part returns the part to write to, one with room.
func (r *ring) part() (part, error) {
	switch {
	case len(r.parts) > 0 && r.sizes[r.cur] < r.limit:
		return r.parts[r.cur], nil
	case len(r.parts) < ringParts:
		p, err := r.store.newPart(len(r.parts))
		if err != nil {
			return nil, err
		}
		r.parts = append(r.parts, p)
		r.cur = len(r.parts) - 1
		return p, nil
	}
	r.cur = (r.cur + 1) % ringParts
	r.sizes[r.cur] = 0
	return r.parts[r.cur], r.parts[r.cur].clear()
}

func (r *ring) finish(tail []byte) error {
	err := r.join()
	if err != nil {
		r.store.abort()
		return err
	}
	return r.store.finish(tail)
}

// join writes the parts from the oldest to the newest, and not the last separator.
func (r *ring) join() error {
	w, err := r.store.result()
	if err != nil {
		return err
	}
	if err := writeAll(w, r.head); err != nil {
		return err
	}
	for age := range r.parts {
		i := (r.cur + 1 + age) % len(r.parts)
		n := r.sizes[i]
		if i == r.cur {
			n -= int64(len(separator))
		}
		if err := r.parts[i].copyTo(w, n); err != nil {
			return err
		}
	}
	return nil
}

func (r *ring) abort() { r.store.abort() }
