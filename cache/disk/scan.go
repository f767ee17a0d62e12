package disk

import (
	"encoding/binary"
	"errors"
	"io"
)

// A scanner finds the records of a segment, one after another. Behind what is damaged it
// looks for the next one: records begin at multiples of eight bytes, with a mark.
type scanner struct {
	secret  *secret
	file    io.ReaderAt
	segment uint32

	pos int64  // of what comes next
	buf []byte // what was read, from
	off int64  // on
	eof bool   // nothing follows buf
}

// A found is what a scanner finds: a record, or that one is damaged.
type found struct {
	record
	at  position
	raw []byte // until the next one is looked for

	// damaged means that the record is not what was written: only its hash is known, and
	// where its marks are, by what is left of it.
	damaged bool
	marks   []int64
}

const scanSize = 256 << 10

// scan begins at an offset.
func (s *secret) scan(f io.ReaderAt, segment uint32, offset int64) *scanner {
	return &scanner{secret: s, file: f, segment: segment, pos: (offset + 7) &^ 7}
}

// next returns io.EOF at the end, and other errors of the file.
func (s *scanner) next() (found, error) {
	for {
		b, err := s.fill(trailerSize)
		if err != nil {
			return found{}, err
		}
		if len(b) < trailerSize {
			return found{}, io.EOF
		}
		here := at(s.segment, uint32(s.pos))
		if s.secret.marked(b, here) {
			if f, ok, err := s.record(here); ok || err != nil {
				return f, err
			}
		} else if hash, start, ok := s.secret.parseTrailer(b, s.segment, s.pos+trailerSize); ok {
			f := found{record: record{hash: hash}, at: start, damaged: true, marks: []int64{s.pos}}
			s.pos += trailerSize
			return f, nil
		}
		s.pos += 8
	}
}

// record looks at what has the mark of one. ok is false if nothing can be said of it.
func (s *scanner) record(here position) (f found, ok bool, err error) {
	b, err := s.fill(headerSize)
	if err != nil || len(b) < headerSize {
		return f, false, err
	}
	key := binary.LittleEndian.Uint32(b[40:])
	if key > maxRecord {
		return f, false, nil
	}
	if b, err = s.fill(headerSize + int(key)); err != nil {
		return f, false, err
	}
	r, complete, err := s.secret.parseHeader(b, here)
	if err != nil || !complete {
		return f, false, nil
	}
	if b, err = s.fill(int(r.size)); err != nil {
		return f, false, err
	}
	f = found{at: here}
	begin := s.pos
	s.pos += int64(r.size)
	if len(b) >= int(r.size) {
		f.raw = b[:r.size]
		if f.record, err = s.secret.parse(f.raw, here); err == nil {
			return f, true, nil
		}
	}
	f.record, f.damaged, f.marks = record{hash: r.hash}, true, []int64{begin}
	if len(b) >= int(r.size) {
		f.marks = append(f.marks, s.pos-trailerSize)
	}
	return f, true, nil
}

// fill returns what is at the scanner's position, n bytes or more if there are so many.
func (s *scanner) fill(n int) ([]byte, error) {
	if have := s.pos - s.off; have >= 0 && have+int64(n) <= int64(len(s.buf)) {
		return s.buf[have:], nil
	}
	if s.eof {
		return s.rest(), nil
	}
	kept := s.rest()
	if n > cap(s.buf) {
		s.buf = append(make([]byte, 0, max(n, scanSize)), kept...)
	} else {
		s.buf = s.buf[:copy(s.buf[:cap(s.buf)], kept)]
	}
	s.off = s.pos
	m, err := s.file.ReadAt(s.buf[len(s.buf):cap(s.buf)], s.off+int64(len(s.buf)))
	s.buf = s.buf[:len(s.buf)+m]
	if errors.Is(err, io.EOF) {
		s.eof, err = true, nil
	}
	return s.buf, err
}

func (s *scanner) rest() []byte {
	if have := s.pos - s.off; have >= 0 && have < int64(len(s.buf)) {
		return s.buf[have:]
	}
	return nil
}
