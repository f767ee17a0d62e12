package disk

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A record is a header, the key, the head, the runs of the body with their checksums, the
// body's bytes if they are here, and a trailer, in whole units of eight bytes:
//
//	 0 mark   8  the store's, mixed with the position
//	 8 sum    4  of the header from here on and the key
//	12 rest   4  sum of what follows the key, without the trailer
//	16 size   4  of it all
//	20 kind   1  and three zeros
//	24 hash   8  of the key
//	32 id     4  of the entry
//	36 time   4  of the commit, in seconds since 1970
//	40 key    4  length
//	44 head   4  length
//	48 runs   4  length
//	52 data   4  length
//	56 body   8  length of the body file as far as the runs reach into it, or a position
//
// The trailer has a mark, the hash and the size again, and a sum of these: a record says
// at both ends whose it is, so that damage to it can be laid to its own entry.
//
// The marks come from the store's secret. Nothing that a server sends can look like a
// record at the place where it is stored.
const (
	headerSize  = 64
	trailerSize = 24
	maxRecord   = 16 << 20
)

// A kind says what a record is.
type kind uint8

const (
	kindInline kind = 1 + iota // an entry with its body
	kindBody                   // an entry whose body is a file
	kindDelete                 // its hash has no entry, whatever else is in the record
	kindFlush                  // what lies before its position is durable
	kindClear                  // there is nothing before its position
	kindEnd
)

// A record is one that was found to be sound. Its slices are parts of what it was read
// from.
type record struct {
	kind kind
	size uint32
	hash uint64
	id   uint32
	time uint32
	body int64

	key, head, runs, data []byte
}

// slot is the index's note of the record.
func (r *record) slot(at position) slot {
	s := slot{hash: r.hash, at: at, size: r.size, id: r.id, used: r.time}
	if r.kind == kindBody {
		s.blocks = blocksOf(r.body)
	}
	return s
}

// blocksOf is the size of a file in KiB, at least one.
func blocksOf(size int64) uint32 { return uint32(max(size+1023, 1024) >> 10) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// begin appends the header of r to an empty buffer. What follows it is appended by the
// caller, then finish fills in what is known by then.
func (r *record) begin(b []byte) []byte {
	var h [headerSize]byte
	h[20] = byte(r.kind)
	binary.LittleEndian.PutUint64(h[24:], r.hash)
	binary.LittleEndian.PutUint32(h[32:], r.id)
	binary.LittleEndian.PutUint32(h[36:], r.time)
	binary.LittleEndian.PutUint64(h[56:], uint64(r.body))
	return append(b, h[:]...)
}

// finish makes b a record but for its marks.
func finish(b []byte, key, head, runs, data int) []byte {
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	size := uint32(len(b) + trailerSize)
	binary.LittleEndian.PutUint32(b[12:], checksum(b[headerSize+key:]))
	binary.LittleEndian.PutUint32(b[16:], size)
	for i, n := range [...]int{key, head, runs, data} {
		binary.LittleEndian.PutUint32(b[40+4*i:], uint32(n))
	}
	binary.LittleEndian.PutUint32(b[8:], checksum(b[12:headerSize+key]))

	var t [trailerSize]byte
	copy(t[8:16], b[24:32]) // the hash
	binary.LittleEndian.PutUint32(t[16:], size)
	binary.LittleEndian.PutUint32(t[20:], checksum(t[8:20]))
	return append(b, t[:]...)
}

// note is a record without an entry.
func note(k kind, hash uint64, about position) []byte {
	r := record{kind: k, hash: hash, body: int64(about)}
	return finish(r.begin(make([]byte, 0, headerSize+trailerSize)), 0, 0, 0, 0)
}

// A secret is what a store's marks and hashes are made with.
type secret [16]byte

func (s *secret) mark(at position) uint64 {
	return binary.LittleEndian.Uint64(s[:]) ^ uint64(at)
}

func (s *secret) endMark(at position) uint64 {
	return binary.LittleEndian.Uint64(s[8:]) ^ uint64(at)
}

// seal marks a record as the one at a position.
func (s *secret) seal(b []byte, at position) {
	binary.LittleEndian.PutUint64(b, s.mark(at))
	binary.LittleEndian.PutUint64(b[len(b)-trailerSize:], s.endMark(at))
}

// struckBits are in the mark of an entry's record that has become a note that there is
// none. They are all in one byte, which is written or not.
const struckBits = 0xa5 << 56

// struck is the last byte of such a mark.
func (s *secret) struck(at position) []byte {
	return []byte{byte((s.mark(at) ^ struckBits) >> 56)}
}

var errDamaged = errors.New("a record is damaged")

// marked reports whether b begins with the mark of a record, struck or not.
func (s *secret) marked(b []byte, at position) bool {
	other := binary.LittleEndian.Uint64(b) ^ s.mark(at)
	return other == 0 || other == struckBits
}

// parseHeader reads a header and the key behind it, as much as there is of b, and checks
// them. complete is false if b ends before the key does.
func (s *secret) parseHeader(b []byte, at position) (r record, complete bool, err error) {
	le := binary.LittleEndian
	if len(b) < headerSize || !s.marked(b, at) {
		return r, false, errDamaged
	}
	r = record{
		kind: kind(b[20]),
		size: le.Uint32(b[16:]),
		hash: le.Uint64(b[24:]),
		id:   le.Uint32(b[32:]),
		time: le.Uint32(b[36:]),
		body: int64(le.Uint64(b[56:])),
	}
	if le.Uint64(b) != s.mark(at) {
		r.kind = kindDelete
	}
	key, fits := le.Uint32(b[40:]), false
	if r.size <= maxRecord && r.size%8 == 0 && r.kind > 0 && r.kind < kindEnd {
		content := uint64(key) + uint64(le.Uint32(b[44:])) + uint64(le.Uint32(b[48:])) + uint64(le.Uint32(b[52:]))
		fits = (headerSize+content+7)&^7+trailerSize == uint64(r.size)
	}
	if !fits {
		return r, false, errDamaged
	}
	if len(b) < headerSize+int(key) {
		return r, false, nil
	}
	if checksum(b[12:headerSize+key]) != le.Uint32(b[8:]) {
		return r, false, errDamaged
	}
	r.key = b[headerSize : headerSize+key]
	return r, true, nil
}

// parse reads the record that b is, and checks it.
func (s *secret) parse(b []byte, at position) (record, error) {
	r, complete, err := s.parseHeader(b, at)
	if err != nil || !complete || int(r.size) != len(b) {
		return r, errDamaged
	}
	le := binary.LittleEndian
	rest := b[headerSize+len(r.key) : len(b)-trailerSize]
	if r.kind == kindDelete {
		return r, nil
	}
	if checksum(rest) != le.Uint32(b[12:]) {
		return r, errDamaged
	}
	head, runs, data := le.Uint32(b[44:]), le.Uint32(b[48:]), le.Uint32(b[52:])
	r.head = rest[:head]
	r.runs = rest[head : head+runs]
	r.data = rest[head+runs : head+runs+data]
	return r, nil
}

// parseTrailer reads the trailer that b begins with, which ends at the offset end of its
// segment.
func (s *secret) parseTrailer(b []byte, segment uint32, end int64) (hash uint64, start position, ok bool) {
	le := binary.LittleEndian
	size := int64(le.Uint32(b[16:]))
	if size > end {
		return 0, 0, false
	}
	start = at(segment, uint32(end-size))
	if le.Uint64(b) != s.endMark(start) || le.Uint32(b[20:]) != checksum(b[8:20]) {
		return 0, 0, false
	}
	return le.Uint64(b[8:]), start, true
}
