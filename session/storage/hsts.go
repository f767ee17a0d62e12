package storage

import (
	"context"
	"iter"

	"github.com/kaon-net/kaon/net/hsts"
)

// HSTSKind is what hosts said about TLS; a preload list is not part of it. It is cleared
// by host.
func HSTSKind(store *hsts.Store) Kind {
	m := newMirror()
	m.onChange = store.OnChange
	m.snapshot = func(put func(string, []byte)) {
		for _, e := range store.Snapshot() {
			b := appendBool(nil, e.IncludeSubDomains)
			put(e.Host, appendTime(appendTime(b, e.Expires), e.Observed))
		}
	}
	m.restore = func(records iter.Seq2[string, []byte]) (lost int) {
		var list []hsts.Entry
		for host, value := range records {
			p := partsOf(value)
			e := hsts.Entry{Host: host, IncludeSubDomains: p.bool(), Expires: p.time(), Observed: p.time()}
			if p.whole() {
				list = append(list, e)
			} else {
				lost++
			}
		}
		store.Restore(list)
		return lost
	}
	return Kind{Type: HSTS, Records: m, Clear: func(_ context.Context, sel Selection) error {
		store.RemoveFunc(func(e hsts.Entry) bool { return sel.Host(e.Host) })
		return nil
	}}
}
