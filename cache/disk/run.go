package disk

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"

	"github.com/kaon-net/kaon/cache/store"
)

// chunkSize is how many bytes of a body file have a checksum of their own: what is read
// to check one of them.
const chunkSize = 64 << 10

// maxRuns is in how many pieces a body can be.
const maxRuns = 1 << 14

// A run is a piece of a body that lies in one piece, in a body file or in a record. Its
// bytes never change; a run can grow, if nothing lies behind it yet.
type run struct {
	off, len int64
	at       int64 // where it begins in the file, or in the record's data

	// Of a run in a file: the checksums of its whole chunks, counted from its begin, and
	// that of the rest. Whoever has a copy of the run may read sums without a lock, since
	// only what is behind them is appended.
	sums []uint32
	tail uint32
}

func (r *run) end() int64 { return r.off + r.len }

// grow notes that p follows the run's bytes.
func (r *run) grow(p []byte) {
	for len(p) > 0 {
		used := r.len % chunkSize
		n := min(chunkSize-used, int64(len(p)))
		r.tail = crc32.Update(r.tail, castagnoli, p[:n])
		r.len += n
		p = p[n:]
		if used+n == chunkSize {
			r.sums = append(r.sums, r.tail)
			r.tail = 0
		}
	}
}

// chunk returns the place in the file and the checksum of the chunk that has the byte
// rel bytes behind the run's begin.
func (r *run) chunk(rel int64) (at, n int64, sum uint32) {
	i := rel / chunkSize
	if i < int64(len(r.sums)) {
		return r.at + i*chunkSize, chunkSize, r.sums[i]
	}
	return r.at + i*chunkSize, r.len - i*chunkSize, r.tail
}

// findRun is the index of the first run that ends behind off.
func findRun(runs []run, off int64) int {
	i, _ := slices.BinarySearchFunc(runs, off, func(r run, off int64) int {
		if r.end() <= off {
			return -1
		}
		return 1
	})
	return i
}

func extents(to []store.Extent, runs []run) []store.Extent {
	first := len(to)
	for i := range runs {
		if last := len(to) - 1; last >= first && to[last].End() == runs[i].off {
			to[last].Len += runs[i].len
		} else {
			to = append(to, store.Extent{Off: runs[i].off, Len: runs[i].len})
		}
	}
	return to
}

// fileEnd is how far runs reach into their file.
func fileEnd(runs []run) (end int64) {
	for i := range runs {
		end = max(end, runs[i].at+runs[i].len)
	}
	return end
}

const runSize = 24

func appendRuns(b []byte, runs []run, k kind) []byte {
	for i := range runs {
		r := &runs[i]
		b = binary.LittleEndian.AppendUint64(b, uint64(r.off))
		b = binary.LittleEndian.AppendUint64(b, uint64(r.len))
		b = binary.LittleEndian.AppendUint64(b, uint64(r.at))
		if k != kindBody {
			continue
		}
		for _, sum := range r.sums {
			b = binary.LittleEndian.AppendUint32(b, sum)
		}
		if r.len%chunkSize != 0 {
			b = binary.LittleEndian.AppendUint32(b, r.tail)
		}
	}
	return b
}

// parseRuns appends the runs of a record, which may be anything that has the right
// checksum.
func (r *record) parseRuns(to []run) ([]run, error) {
	le := binary.LittleEndian
	within := int64(len(r.data))
	if r.kind == kindBody {
		within = r.body
	}
	next := int64(0)
	for b := r.runs; len(b) > 0; {
		if len(b) < runSize {
			return nil, errDamaged
		}
		u := run{off: int64(le.Uint64(b)), len: int64(le.Uint64(b[8:])), at: int64(le.Uint64(b[16:]))}
		b = b[runSize:]
		if u.off < next || u.len <= 0 || u.off > math.MaxInt64-u.len || u.at < 0 || u.at > within || u.len > within-u.at {
			return nil, errDamaged
		}
		next = u.end()
		if r.kind == kindBody {
			n := u.len / chunkSize
			rest := u.len % chunkSize
			if n > int64(len(b)/4) || rest != 0 && n == int64(len(b)/4) {
				return nil, errDamaged
			}
			if n > 0 {
				u.sums = make([]uint32, n)
				for i := range u.sums {
					u.sums[i] = le.Uint32(b[4*i:])
				}
				b = b[4*n:]
			}
			if rest != 0 {
				u.tail = le.Uint32(b)
				b = b[4:]
			}
		}
		to = append(to, u)
	}
	return to, nil
}
