package certverify

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

const verdictLifetime = 30 * time.Minute // Chromium's

// A verdict is an answer that holds from one moment until just before another. A
// clock that was set back makes it worthless.
type verdict struct {
	result      *Result
	err         error
	from, until time.Time
}

func (vd *verdict) holds(now time.Time) bool {
	return !now.Before(vd.from) && now.Before(vd.until)
}

// validUntil is when a verdict on p must be made anew: at the latest after its
// lifetime, and before whenever a certificate begins or ends to be valid.
func validUntil(p *Params, r *Result, now time.Time) time.Time {
	until := now.Add(verdictLifetime)
	for _, c := range p.Certificates {
		until = earliest(now, until, c.NotBefore, c.NotAfter)
	}
	for _, c := range r.Chain {
		until = earliest(now, until, c.NotBefore, c.NotAfter)
	}
	return until
}

// earliest returns the first of until and those of times that are not past.
func earliest(now, until time.Time, times ...time.Time) time.Time {
	for _, t := range times {
		if t.After(now) && t.Before(until) {
			until = t
		}
	}
	return until
}

// A verdictKey is all that a verdict depends on besides settings and time.
type verdictKey struct {
	host  string
	shown [sha256.Size]byte
}

// keyOf hashes in steps of fixed size, since that needs no memory.
func keyOf(p *Params) verdictKey {
	k := verdictKey{host: p.Host}
	var step [2*sha256.Size + 8]byte
	add := func(kind uint64, b []byte) {
		sum := sha256.Sum256(b)
		copy(step[:], k.shown[:])
		copy(step[sha256.Size:], sum[:])
		binary.BigEndian.PutUint64(step[2*sha256.Size:], kind)
		k.shown = sha256.Sum256(step[:])
	}
	for _, c := range p.Certificates {
		add(1, c.Raw)
	}
	if p.OCSPResponse != nil {
		add(2, p.OCSPResponse)
	}
	for _, s := range p.SCTs {
		add(3, s)
	}
	return k
}

// verdicts keeps up to size verdicts.
type verdicts struct {
	size int
	kept map[verdictKey]*verdict
}

func (vs *verdicts) get(k verdictKey, now time.Time) *verdict {
	if vd := vs.kept[k]; vd != nil && vd.holds(now) {
		return vd
	}
	return nil
}

// put makes room, if it must, by what is stale; else any goes, as in Chromium.
func (vs *verdicts) put(k verdictKey, vd *verdict) {
	if vs.size < 0 {
		return
	}
	if vs.kept == nil {
		vs.kept = make(map[verdictKey]*verdict)
	}
	if len(vs.kept) >= vs.size {
		for old, kept := range vs.kept {
			if !kept.holds(vd.from) {
				delete(vs.kept, old)
			}
		}
	}
	for old := range vs.kept {
		if len(vs.kept) < vs.size {
			break
		}
		delete(vs.kept, old)
	}
	vs.kept[k] = vd
}

func (vs *verdicts) clear() { clear(vs.kept) }

// A job is a verification under way, for all that ask the same.
type job struct {
	generation uint64
	trust      *trust
	proc       Proc

	done    chan struct{} // closed when verdict is settled
	verdict *verdict      // nil if there is none: ask again
}

// begin finds a verdict that holds, or a job to wait for, or makes one that is the
// caller's to do and to end.
func (v *Verifier) begin(k verdictKey, now time.Time) (kept *verdict, j *job, mine bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if kept = v.verdicts.get(k, now); kept != nil {
		return kept, nil, false
	}
	if j = v.jobs[k]; j != nil {
		return nil, j, false
	}
	j = &job{generation: v.generation, trust: v.trust, proc: v.proc, done: make(chan struct{})}
	v.jobs[k] = j
	return nil, j, true
}

// end settles a job. A verdict made under settings that no longer hold is none.
func (v *Verifier) end(k verdictKey, j *job, vd *verdict) {
	v.mu.Lock()
	if j.generation == v.generation {
		delete(v.jobs, k)
		if vd != nil {
			j.verdict = vd
			v.verdicts.put(k, vd)
		}
	}
	v.mu.Unlock()
	close(j.done)
}
