package storage

import (
	"hash/maphash"
	"iter"
)

// A mirror keeps what an engine can only give as a whole: it writes what differs from
// what it wrote before.
type mirror struct {
	snapshot func(put func(key string, value []byte))
	restore  func(iter.Seq2[string, []byte]) (lost int)
	onChange func(func()) // nil: its changes are written along with others

	seed    maphash.Seed
	written map[string]uint64 // by key, what the value was
}

func newMirror() *mirror {
	return &mirror{seed: maphash.MakeSeed(), written: make(map[string]uint64)}
}

func (m *mirror) Restore(records iter.Seq2[string, []byte]) Restored {
	lost := m.restore(func(yield func(string, []byte) bool) {
		for key, value := range records {
			m.written[key] = maphash.Bytes(m.seed, value)
			if !yield(key, value) {
				return
			}
		}
	})
	return Restored{Lost: lost}
}

func (m *mirror) Watch(changed func(soon bool)) (stop func()) {
	if m.onChange == nil {
		return func() {}
	}
	m.onChange(func() { changed(false) })
	return func() { m.onChange(nil) }
}

func (m *mirror) Changes(all bool) map[string][]byte {
	changes := make(map[string][]byte)
	now := make(map[string]uint64)
	m.snapshot(func(key string, value []byte) {
		sum := maphash.Bytes(m.seed, value)
		now[key] = sum
		if old, ok := m.written[key]; all || !ok || old != sum {
			changes[key] = value
		}
	})
	for key := range m.written {
		if _, ok := now[key]; !ok {
			changes[key] = nil
		}
	}
	m.written = now
	return changes
}
