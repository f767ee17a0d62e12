package cache

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
)

// passFor is how long it is remembered that a response could not be stored.
const passFor = 10 * time.Second

// A passMemory remembers requests whose last response could not be stored, where nothing
// is in the store that could serve. While it does, such requests have nothing to wait for
// and nothing to share: each goes to the origin for itself, as if there were no cache. In
// Chromium they queue. The first response that could be stored is forgotten with the rest.
//
// Requests that fall on one slot forget each other: that costs them a wait.
type passMemory struct {
	seed  maphash.Seed
	start time.Time
	any   atomic.Bool         // something was ever remembered
	slots [1024]atomic.Uint64 // upper bits of the hash, and the second; 0 is none
}

const secondBits = 24

func (m *passMemory) init() { m.seed, m.start = maphash.MakeSeed(), time.Now() }

// hash names a request by what its key is made of. It needs no key for that, which would
// be allocated.
func (m *passMemory) hash(req *exchange.Request, anonymous bool) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	u := req.URL
	for _, part := range [...]string{u.Scheme, u.Host, u.Opaque, u.Path, u.RawPath, u.RawQuery} {
		h.WriteString(part)
		h.WriteByte(0)
	}
	maphash.WriteComparable(&h, req.Key)
	if anonymous {
		h.WriteByte(1)
	}
	return h.Sum64()
}

func (m *passMemory) slot(hash uint64) *atomic.Uint64 { return &m.slots[hash%uint64(len(m.slots))] }

// second is the time with which a slot is marked, never 0.
func (m *passMemory) second() uint64 {
	return uint64(time.Since(m.start)/time.Second)&(1<<secondBits-1) | 1
}

func (m *passMemory) has(hash uint64) bool {
	v := m.slot(hash).Load()
	if v == 0 || v>>secondBits != hash>>secondBits {
		return false
	}
	age := (m.second() - v) & (1<<secondBits - 1)
	return age < uint64(passFor/time.Second)
}

func (m *passMemory) remember(hash uint64) {
	m.any.Store(true)
	m.slot(hash).Store(hash>>secondBits<<secondBits | m.second())
}

func (m *passMemory) forget(hash uint64) {
	s := m.slot(hash)
	if v := s.Load(); v>>secondBits == hash>>secondBits {
		s.CompareAndSwap(v, 0)
	}
}

func (t *Transport) hashOf(req *exchange.Request) uint64 {
	return t.passed.hash(req, isAnonymous(req, t.split))
}

// pass asks the origin for a request that is remembered, and forgets it if there is
// something to store by now.
func (t *Transport) pass(ctx context.Context, req *exchange.Request, p *plan, hash uint64) (*exchange.Response, error) {
	resp, err := t.next.RoundTrip(ctx, req)
	if err != nil {
		return nil, err
	}
	t.heed(ctx, req, resp)
	d := parseDirectives(resp.Header)
	detail := whyNot(p, resp, &d)
	if detail == "" {
		t.passed.forget(hash)
		detail = "the one before was not to be stored"
	}
	resp.Info.Cache = exchange.CacheInfo{Forward: exchange.ForwardURIMiss, Detail: detail}
	return resp, nil
}
