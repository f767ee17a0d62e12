package cookiejar

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A Change tells that a cookie was put into the jar or taken out.
type Change struct {
	Cookie Cookie
	Cause  Cause
}

// Removed reports whether the cookie is gone; else it is new.
func (c Change) Removed() bool { return c.Cause >= Explicit }

// A Cause is why a cookie came or went: Electron's words for the event "changed". A
// cookie set again makes two changes, Overwrite for the old and one that inserts.
type Cause uint8

const (
	Inserted              Cause = iota // a new cookie, or a new value
	InsertedNoChange                   // as it was
	InsertedNoValueChange              // the same value with another attribute
	Explicit                           // removed by the program
	Overwrite                          // replaced
	Expired                            // found to be over
	Evicted                            // made room for others
	ExpiredOverwrite                   // removed by a cookie that had expired when it came
)

var causes = []string{
	"inserted", "inserted-no-change-overwrite", "inserted-no-value-change-overwrite",
	"explicit", "overwrite", "expired", "evicted", "expired-overwrite",
}

// String returns Electron's word.
func (c Cause) String() string { return name(causes, int(c)) }

// Changed calls f for every change from now on, until stop is called. Calls come one
// at a time, in the order of the changes, with no lock held, on the goroutine of one
// who uses the jar: f may use the jar too, but should return soon, because changes
// wait in memory for it.
func (j *Jar) Changed(f func(Change)) (stop func()) { return j.feed.listen(f) }

// A feed brings changes to listeners in order. Changes are added under the jar's lock
// and delivered after it is released, by the first who comes, for all.
type feed struct {
	listening atomic.Int32 // nobody: a change costs nothing

	mu        sync.Mutex
	listeners []*func(Change) // replaced, never changed
	queue     []Change
	busy      bool // someone delivers
}

func (f *feed) listen(fn func(Change)) (stop func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listeners = append(slices.Clip(f.listeners), &fn)
	f.listening.Add(1)
	return sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.listeners = slices.DeleteFunc(slices.Clone(f.listeners), func(l *func(Change)) bool { return l == &fn })
		if f.listening.Add(-1) == 0 {
			f.queue = nil
		}
	})
}

func (f *feed) add(e *entry, cause Cause) {
	if f.listening.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) > 0 {
		f.queue = append(f.queue, Change{e.cookie(), cause})
	}
}

// deliver empties the queue, unless someone does: he will come to what is new.
func (f *feed) deliver() {
	if f.listening.Load() == 0 || !f.begin() {
		return
	}
	ended := false
	defer func() {
		if !ended { // a listener panicked
			f.mu.Lock()
			f.busy = false
			f.mu.Unlock()
		}
	}()
	for {
		batch, listeners := f.next()
		if ended = batch == nil; ended {
			return
		}
		for _, c := range batch {
			for _, l := range listeners {
				(*l)(c)
			}
		}
	}
}

func (f *feed) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	ok := !f.busy
	f.busy = true
	return ok
}

// next takes what waits; without any, nobody delivers any more.
func (f *feed) next() (batch []Change, listeners []*func(Change)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	batch, f.queue = f.queue, nil
	f.busy = batch != nil
	return batch, f.listeners
}
