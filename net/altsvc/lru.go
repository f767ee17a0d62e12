package altsvc

import "container/list"

// An lru keeps the limit values that were used last.
type lru[K comparable, V any] struct {
	limit   int
	entries map[K]*list.Element // of *lruEntry[K, V]
	order   list.List           // the one used last first
}

type lruEntry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](limit int) lru[K, V] {
	return lru[K, V]{limit: limit, entries: make(map[K]*list.Element)}
}

// get returns the value of k, for the caller to change in place, and counts as a use.
func (l *lru[K, V]) get(k K) (*V, bool) {
	e, ok := l.entries[k]
	if !ok {
		return nil, false
	}
	l.order.MoveToFront(e)
	return &e.Value.(*lruEntry[K, V]).value, true
}

// peek is get that does not count.
func (l *lru[K, V]) peek(k K) (*V, bool) {
	e, ok := l.entries[k]
	if !ok {
		return nil, false
	}
	return &e.Value.(*lruEntry[K, V]).value, true
}

// put sets the value of k. Where there are too many then, the one goes whose last use
// is longest ago.
func (l *lru[K, V]) put(k K, v V) {
	if old, ok := l.get(k); ok {
		*old = v
		return
	}
	l.entries[k] = l.order.PushFront(&lruEntry[K, V]{k, v})
	l.trim()
}

// putLast adds k as the one whose last use is longest ago, if there is room and it is
// not there.
func (l *lru[K, V]) putLast(k K, v V) {
	if _, ok := l.entries[k]; !ok && len(l.entries) < l.limit {
		l.entries[k] = l.order.PushBack(&lruEntry[K, V]{k, v})
	}
}

func (l *lru[K, V]) trim() {
	for len(l.entries) > l.limit {
		l.remove(l.order.Back().Value.(*lruEntry[K, V]).key)
	}
}

func (l *lru[K, V]) remove(k K) {
	if e, ok := l.entries[k]; ok {
		l.order.Remove(e)
		delete(l.entries, k)
	}
}

// all yields the values, the one used last first. The one that is yielded may be
// removed.
func (l *lru[K, V]) all(yield func(K, *V) bool) {
	for e := l.order.Front(); e != nil; {
		next := e.Next()
		entry := e.Value.(*lruEntry[K, V])
		if !yield(entry.key, &entry.value) {
			return
		}
		e = next
	}
}
