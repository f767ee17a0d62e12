package storage

import (
	"cmp"
	"context"
	"encoding/binary"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/origin"
)

// AltSvcKind is what servers advertise, what of it failed, and how far away they are:
// Chromium's server properties. What pages with a nonce learnt ends with them.
func AltSvcKind(store *altsvc.Store) Kind {
	p := &properties{store: store, ranks: make(map[string]uint64)}
	m := newMirror()
	m.onChange, m.snapshot, m.restore = store.OnChange, p.snapshot, p.restore
	return Kind{Type: AltSvc, Records: m, Clear: func(_ context.Context, sel Selection) error {
		if sel.All() {
			store.Clear(nil)
			return nil
		}
		store.Clear(sel.Origin)
		return nil
	}}
}

// The first byte of a key.
const (
	serverRecord  = 's'
	failureRecord = 'f'
	tripRecord    = 't'
)

// properties keep their order, by which a store that is full forgets: each value begins
// with a rank, and what comes to the front gets a higher one than all others.
type properties struct {
	store *altsvc.Store
	ranks map[string]uint64 // by key, as written last
}

func (ps *properties) snapshot(put func(key string, value []byte)) {
	snap := ps.store.Snapshot(time.Now())
	r := ranker{old: ps.ranks, now: make(map[string]uint64), put: put}
	for _, rank := range ps.ranks {
		r.top = max(r.top, rank)
	}
	for _, s := range slices.Backward(snap.Servers) {
		var b []byte
		for _, v := range s.Alternatives {
			b = appendTime(appendService(b, v.Service), v.Expires)
		}
		r.record(appendOrigin([]byte{serverRecord}, s.Origin), s.Isolation, b)
	}
	r.last = 0
	for _, f := range slices.Backward(snap.Broken) {
		b := appendTime(binary.AppendUvarint(nil, uint64(f.Count)), f.Until)
		r.record(appendService([]byte{failureRecord}, f.Service), f.Isolation, b)
	}
	r.last = 0
	for _, t := range slices.Backward(snap.Trips) {
		b := binary.AppendUvarint(nil, uint64(t.Smoothed/time.Microsecond))
		r.record(appendOrigin([]byte{tripRecord}, t.Origin), t.Isolation, b)
	}
	ps.ranks = r.now
}

// A ranker gives records ranks that rise, the ones of before where they do.
type ranker struct {
	old, now  map[string]uint64
	last, top uint64
	put       func(key string, value []byte)
}

func (r *ranker) record(key []byte, isolation origin.Key, value []byte) {
	if isolation.HasNonce() {
		return
	}
	k := string(appendPartition(key, isolation))
	rank := r.old[k]
	if rank <= r.last {
		r.top++
		rank = r.top
	}
	r.last, r.now[k] = rank, rank
	r.put(k, append(binary.AppendUvarint(nil, rank), value...))
}

func (ps *properties) restore(records iter.Seq2[string, []byte]) (lost int) {
	var servers ranked[altsvc.Server]
	var failures ranked[altsvc.Failure]
	var trips ranked[altsvc.Trip]
	for key, value := range records {
		id, p := &parts{b: key}, partsOf(value)
		kind, rank := id.byte(), p.uint()
		var add func()
		switch kind {
		case serverRecord:
			s := altsvc.Server{Origin: id.origin(), Isolation: id.partition()}
			for p.b != "" {
				s.Alternatives = append(s.Alternatives, altsvc.Advertised{Service: p.service(), Expires: p.time()})
			}
			add = func() { servers.add(rank, s) }
		case failureRecord:
			f := altsvc.Failure{Service: id.service(), Isolation: id.partition()}
			f.Count, f.Until = int(p.below(math.MaxInt32)), p.time()
			add = func() { failures.add(rank, f) }
		case tripRecord:
			t := altsvc.Trip{Origin: id.origin(), Isolation: id.partition()}
			t.Smoothed = time.Duration(p.below(math.MaxInt32)) * time.Microsecond
			add = func() { trips.add(rank, t) }
		}
		if add == nil || !id.whole() || !p.whole() {
			lost++
			continue
		}
		add()
		ps.ranks[key] = rank
	}
	ps.store.Restore(altsvc.Snapshot{Servers: servers.sorted(), Broken: failures.sorted(), Trips: trips.sorted()}, time.Now())
	return lost
}

// A ranked list has the values that are to be sorted by rank.
type ranked[T any] []rankedValue[T]

type rankedValue[T any] struct {
	rank uint64
	v    T
}

func (l *ranked[T]) add(rank uint64, v T) { *l = append(*l, rankedValue[T]{rank, v}) }

// sorted puts the highest rank first.
func (l ranked[T]) sorted() []T {
	slices.SortFunc(l, func(a, b rankedValue[T]) int { return cmp.Compare(b.rank, a.rank) })
	list := make([]T, len(l))
	for i, r := range l {
		list[i] = r.v
	}
	return list
}

func appendOrigin(b []byte, o origin.Origin) []byte {
	return binary.AppendUvarint(appendText(appendText(b, o.Scheme), o.Host), uint64(o.Port))
}

func (p *parts) origin() origin.Origin {
	return origin.Origin{Scheme: p.text(), Host: p.text(), Port: uint16(p.below(1 << 16))}
}

func appendService(b []byte, s altsvc.Service) []byte {
	return binary.AppendUvarint(appendText(appendText(b, s.Protocol), s.Host), uint64(s.Port))
}

func (p *parts) service() altsvc.Service {
	return altsvc.Service{Protocol: p.text(), Host: p.text(), Port: uint16(p.below(1 << 16))}
}
