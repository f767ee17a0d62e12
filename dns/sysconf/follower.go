package sysconf

import (
	"os"
	"sync/atomic"
	"time"
)

// checkInterval is how long a look at the files' times and sizes holds good.
const checkInterval = time.Second

// A follower keeps up with what some files say. It looks when it is asked, no more
// than once a second, and has no goroutine: a program that asks nothing does nothing.
type follower[T any] struct {
	paths []string
	load  func(old T) T // reads the files; old is what they said before

	reading atomic.Bool // somebody is bringing current up to date
	current atomic.Pointer[snapshot[T]]
}

// A snapshot is what the files said when they were last looked at. It never changes.
type snapshot[T any] struct {
	value   T
	files   []os.FileInfo // by path; nil where there is no file
	checked time.Time
}

// get returns what the files say. While one caller reads changed files, others are
// answered from the old ones.
func (f *follower[T]) get() T {
	s, now := f.current.Load(), time.Now()
	switch {
	case s == nil:
		// The first callers may each read the files: better than answering them
		// as if there were none, and it happens once. One of them has read for all:
		// a second value would look like a change.
		s = f.look(nil, now)
		if !f.current.CompareAndSwap(nil, s) {
			s = f.current.Load()
		}
	case now.Sub(s.checked) >= checkInterval && f.reading.CompareAndSwap(false, true):
		s = f.look(s, now)
		f.current.Store(s)
		f.reading.Store(false)
	}
	return s.value
}

func (f *follower[T]) look(old *snapshot[T], now time.Time) *snapshot[T] {
	s := &snapshot[T]{checked: now, files: make([]os.FileInfo, len(f.paths))}
	for i, path := range f.paths {
		s.files[i], _ = os.Stat(path) // before reading: a change in between shows the next time
	}
	if old != nil {
		s.value = old.value
	}
	if old == nil || !sameFiles(old.files, s.files) {
		s.value = f.load(s.value)
	}
	return s
}

func sameFiles(a, b []os.FileInfo) bool {
	for i := range a {
		switch {
		case a[i] == nil || b[i] == nil:
			if a[i] != b[i] {
				return false
			}
		case a[i].Size() != b[i].Size() || !a[i].ModTime().Equal(b[i].ModTime()) || !os.SameFile(a[i], b[i]):
			return false
		}
	}
	return true
}
