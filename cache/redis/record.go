package redis

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"

	"github.com/kaon-net/kaon/cache/store"
)

// A record is what is stored of an entry besides the pieces of its body.
//
//	 0  magic, with the version as its last byte
//	 5  generation
//	21  size of the entry in bytes
//	29  lengths of key, head, pieces, tail, four bytes each
//	45  offset of the tail
//	53  checksum of head, pieces, tail
//	57  checksum of all before this, and of the key
//	61  key, head, pieces, tail
//
// All numbers are little-endian, the checksums CRC-32C.
type record struct {
	gen    generation
	key    []byte
	head   *store.Head
	pieces []piece // in order, not overlapping each other or the tail
	tail   tail
}

// A generation tells the entries apart that come one after the other under one key.
type generation [16]byte

// A piece is a part of a body that is a field of the body's hash.
type piece struct {
	off  int64
	len  int
	sum  uint32
	name fieldName
}

func (p *piece) end() int64 { return p.off + int64(p.len) }

// A fieldName is unique among all who write an entry: eight bytes for the writer, four
// that count.
type fieldName [12]byte

// A tail is the part of a body that was written last, and is in no piece yet.
type tail struct {
	off  int64
	data []byte
}

func (t *tail) end() int64 { return t.off + int64(len(t.data)) }

const (
	magic     = "kaon\x01"
	identSize = len(magic) + len(generation{})
	fixedSize = 61
	pieceSize = 8 + 4 + 4 + len(fieldName{})

	// maxPiece is when a tail becomes a piece, maxPieces how many of them an entry has,
	// maxTail how large a tail can be in a record.
	maxPiece  = 256 << 10
	maxPieces = 1 << 14
	maxTail   = 32 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// ident is how the record begins.
func (r *record) ident() string { return magic + string(r.gen[:]) }

func generationOf(ident string) (gen generation, ok bool) {
	if len(ident) != identSize || ident[:len(magic)] != magic {
		return gen, false
	}
	return generation([]byte(ident[len(magic):])), true
}

// append appends the record in its binary form.
func (r *record) append(b []byte) []byte {
	start := len(b)
	b = append(b, magic...)
	b = append(b, r.gen[:]...)
	b = append(b, make([]byte, fixedSize-identSize)...)
	b = append(b, r.key...)
	keyEnd := len(b)
	b = r.head.AppendBinary(b)
	headEnd := len(b)
	total := int64(0)
	for i := range r.pieces {
		p := &r.pieces[i]
		b = binary.LittleEndian.AppendUint64(b, uint64(p.off))
		b = binary.LittleEndian.AppendUint32(b, uint32(p.len))
		b = binary.LittleEndian.AppendUint32(b, p.sum)
		b = append(b, p.name[:]...)
		total += int64(p.len)
	}
	piecesEnd := len(b)
	b = append(b, r.tail.data...)

	fixed := b[start:]
	total += int64(len(fixed))
	binary.LittleEndian.PutUint64(fixed[21:], uint64(total))
	binary.LittleEndian.PutUint32(fixed[29:], uint32(len(r.key)))
	binary.LittleEndian.PutUint32(fixed[33:], uint32(headEnd-keyEnd))
	binary.LittleEndian.PutUint32(fixed[37:], uint32(piecesEnd-headEnd))
	binary.LittleEndian.PutUint32(fixed[41:], uint32(len(r.tail.data)))
	binary.LittleEndian.PutUint64(fixed[45:], uint64(r.tail.off))
	binary.LittleEndian.PutUint32(fixed[53:], checksum(b[keyEnd:]))
	binary.LittleEndian.PutUint32(fixed[57:], frontSum(fixed[:keyEnd-start]))
	return b
}

// frontSum is the checksum of a record up to the end of its key.
func frontSum(front []byte) uint32 {
	return crc32.Update(checksum(front[:57]), castagnoli, front[fixedSize:])
}

// A front is what the beginning of a record tells.
type front struct {
	size int64
	key  []byte
	need int // how many bytes of the record it takes to tell, if not all were there
}

var (
	errForeign = errors.New("it is nothing of ours, or of another version")
	errShort   = errors.New("it ends early")
	errLong    = errors.New("it is larger than it can be")
	errSum     = errors.New("its checksum is another")
	errPieces  = errors.New("its pieces are in no order")
)

// parseFront reads a record of which b may be the beginning only.
func parseFront(b []byte) (f front, err error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return f, errForeign
	}
	if len(b) < fixedSize {
		return f, errShort
	}
	n := binary.LittleEndian.Uint32(b[29:])
	if n > store.MaxKey {
		return f, errLong
	}
	f.need = fixedSize + int(n)
	if len(b) < f.need {
		return f, errShort
	}
	if frontSum(b[:f.need]) != binary.LittleEndian.Uint32(b[57:]) {
		return f, errSum
	}
	f.size = int64(binary.LittleEndian.Uint64(b[21:]))
	f.key = b[fixedSize:f.need]
	return f, nil
}

// parseRecord reads a whole record. It keeps b.
func parseRecord(b []byte) (*record, error) {
	f, err := parseFront(b)
	if err != nil {
		return nil, err
	}
	rest := b[f.need:]
	head, pieces, tail := uint64(binary.LittleEndian.Uint32(b[33:])), uint64(binary.LittleEndian.Uint32(b[37:])), uint64(binary.LittleEndian.Uint32(b[41:]))
	if head+pieces+tail != uint64(len(rest)) {
		return nil, errShort
	}
	if checksum(rest) != binary.LittleEndian.Uint32(b[53:]) {
		return nil, errSum
	}
	r := &record{gen: generation(b[len(magic):identSize]), key: f.key}
	if r.head, err = store.ParseHead(rest[:head]); err != nil {
		return nil, err
	}
	r.tail.off = int64(binary.LittleEndian.Uint64(b[45:]))
	r.tail.data = slices.Clip(rest[head+pieces:])
	if r.tail.off < 0 || r.tail.off > math.MaxInt64-int64(tail) {
		return nil, errLong
	}
	return r, r.parsePieces(rest[head : head+pieces])
}

func (r *record) parsePieces(b []byte) error {
	if len(b)%pieceSize != 0 {
		return errShort
	}
	if len(b) == 0 {
		return nil
	}
	r.pieces = make([]piece, 0, len(b)/pieceSize)
	for ; len(b) > 0; b = b[pieceSize:] {
		off, n := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint32(b[8:])
		if n == 0 || n > maxPiece || off > math.MaxInt64-maxPiece || !r.free(int64(off), int(n)) {
			return errPieces
		}
		if last := len(r.pieces) - 1; last >= 0 && r.pieces[last].off > int64(off) {
			return errPieces
		}
		r.pieces = append(r.pieces, piece{
			off: int64(off), len: int(n), sum: binary.LittleEndian.Uint32(b[12:]), name: fieldName(b[16:pieceSize]),
		})
	}
	return nil
}

// find is the index of the first piece that ends behind off.
func (r *record) find(off int64) int {
	i, _ := slices.BinarySearchFunc(r.pieces, off, func(p piece, off int64) int {
		if p.end() <= off {
			return -1
		}
		return 1
	})
	return i
}

// free reports whether nothing of the body is in the n bytes from off on.
func (r *record) free(off int64, n int) bool {
	end := off + int64(n)
	if len(r.tail.data) > 0 && r.tail.off < end && off < r.tail.end() {
		return false
	}
	i := r.find(off)
	return i == len(r.pieces) || r.pieces[i].off >= end
}

// end is where the body ends as far as it is there.
func (r *record) end() (end int64) {
	if n := len(r.pieces); n > 0 {
		end = r.pieces[n-1].end()
	}
	if len(r.tail.data) > 0 {
		end = max(end, r.tail.end())
	}
	return end
}

func (r *record) extents(to []store.Extent) []store.Extent {
	first := len(to)
	add := func(off int64, n int) {
		if last := len(to) - 1; last >= first && to[last].End() == off {
			to[last].Len += int64(n)
		} else if n > 0 {
			to = append(to, store.Extent{Off: off, Len: int64(n)})
		}
	}
	behind := r.find(r.tail.off)
	for i := range r.pieces[:behind] {
		add(r.pieces[i].off, r.pieces[i].len)
	}
	add(r.tail.off, len(r.tail.data))
	for i := range r.pieces[behind:] {
		add(r.pieces[behind+i].off, r.pieces[behind+i].len)
	}
	return to
}
