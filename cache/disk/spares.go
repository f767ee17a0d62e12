package disk

import (
	"slices"
	"sync"
)

// Spares are body files that no entry has any more. The next bodies are written over what
// is in them: that takes a third of the time of deleting one file and filling another,
// since the system does not have to find pages for it.
//
// A file must stay as it is while its old record may come back, or the old entry would
// have the bytes of the new one. After the end of a process no record does, after a loss
// of power those do that the log deleted since it was last synced. So a file waits until
// the log is synced that says that nobody has it.
type spares struct {
	sync func() error // makes durable what the log says

	mu      sync.Mutex
	waiting []spare // the first came first
	ready   []spare // likewise
	bytes   int64   // of both
	settles int     // for how many of those that wait a goroutine syncs the log
	drops   int     // how many times all were dropped
	closed  bool

	settling sync.WaitGroup // for close
}

// A spare is one of them. It has the name it had.
type spare struct {
	key  bodyKey
	size int64
}

// maxSpare is how many bytes are kept at most, however large the store is.
const maxSpare = 256 * mib

// add keeps a file, which has a use only if it is a large one. What the log says of it has
// been written.
func (sp *spares) add(s spare) bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if sp.closed || s.size < inlineBody {
		return false
	}
	sp.waiting = append(sp.waiting, s)
	sp.bytes += s.size
	return true
}

// take gives out a file that can be written over. If soon there may be none it has the log
// synced for those that wait, behind.
func (sp *spares) take() (k bodyKey, ok bool) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if n := len(sp.ready); n > 0 {
		s := sp.ready[n-1] // what is oldest is the least likely to be in memory
		sp.ready = sp.ready[:n-1]
		sp.bytes -= s.size
		k, ok = s.key, true
	}
	if len(sp.waiting) > len(sp.ready) && sp.settles == 0 && !sp.closed {
		sp.settles = len(sp.waiting)
		drops := sp.drops
		sp.settling.Go(func() { sp.settle(drops) })
	}
	return k, ok
}

// settle makes ready what waited when it was begun, if that was not dropped since.
func (sp *spares) settle(drops int) {
	err := sp.sync()
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if err == nil && drops == sp.drops {
		sp.ready = append(sp.ready, sp.waiting[:sp.settles]...)
		sp.waiting = slices.Delete(sp.waiting, 0, sp.settles)
	}
	sp.settles = 0
}

// trim gives up what is too much.
func (sp *spares) trim(room int64) (gone []spare) {
	room = min(room, maxSpare)
	sp.mu.Lock()
	defer sp.mu.Unlock()
	for ; len(sp.ready) > 0 && sp.bytes > room; sp.ready = sp.ready[1:] {
		gone = append(gone, sp.ready[0])
		sp.bytes -= sp.ready[0].size
	}
	for last := len(sp.waiting) - 1; last >= sp.settles && sp.bytes > room; last-- {
		gone = append(gone, sp.waiting[last])
		sp.bytes -= sp.waiting[last].size
		sp.waiting = sp.waiting[:last]
	}
	return gone
}

// drop gives up all.
func (sp *spares) drop() (gone []spare) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	gone = append(sp.ready, sp.waiting...)
	sp.ready, sp.waiting, sp.bytes = nil, nil, 0
	sp.drops++
	return gone
}

// close is drop for good.
func (sp *spares) close() (gone []spare) {
	sp.mu.Lock()
	sp.closed = true
	sp.mu.Unlock()
	sp.settling.Wait()
	return sp.drop()
}
