package h2

import (
	"errors"
	"sync"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/literal"
	"github.com/kaon-net/kaon/net/internal/message"
)

// A decoder reads header blocks (RFC 7541), piece by piece.
type decoder struct {
	emit func(*message.Line) // which is the decoder's own

	static []message.Line
	table  []message.Line // the dynamic one, oldest first
	size   int            // of table
	max    int            // of size, as the peer has it
	limit  int            // of max, as we announced it
	line   message.Line   // the last one that was in neither

	inside bool   // a field of the block came
	cut    []byte // a field of which the rest is still to come

	strings literal.Strings // servers of note never use the dynamic table
}

func (d *decoder) init(limit uint32, emit func(*message.Line)) {
	d.emit, d.static, d.max, d.limit = emit, staticLines(), int(limit), int(limit)
}

// staticLines is the static table as a decoder needs it.
var staticLines = sync.OnceValue(func() []message.Line {
	lines := make([]message.Line, 0, staticEntries+1)
	for _, f := range statics() {
		lines = append(lines, message.LineOf(f.Name, f.Value))
	}
	return lines
})

var (
	errIndex    = errors.New("header block has an index that is not in the tables")
	errString   = errors.New("string in a header block is too large")
	errResize   = errors.New("table is resized within a header block")
	errTooLarge = errors.New("table is resized beyond what was announced")
)

// Write decodes the next piece of a block.
func (d *decoder) Write(p []byte) error {
	if len(d.cut) > 0 {
		d.cut = append(d.cut, p...)
		p = d.cut
	}
	for len(p) > 0 {
		rest, err := d.next(p)
		if err == literal.ErrCut {
			break
		}
		if err != nil {
			return err
		}
		p = rest
	}
	d.cut = append(d.cut[:0], p...)
	return nil
}

// Close ends the block.
func (d *decoder) Close() error {
	if len(d.cut) > 0 {
		return literal.ErrCut
	}
	d.inside = false
	if cap(d.cut) > keepLimit {
		d.cut = nil
	}
	return nil
}

// next decodes what p begins with: one field, or a new size for the table.
func (d *decoder) next(p []byte) (rest []byte, err error) {
	switch b := p[0]; {
	case b&0x80 != 0:
		i, rest := uint64(b&0x7f), p[1:]
		if i == 0x7f {
			if i, rest, err = literal.ReadInt(p, 7); err != nil {
				return nil, err
			}
		}
		f, err := d.at(i)
		if err != nil {
			return nil, err
		}
		d.inside = true
		d.emit(f)
		return rest, nil
	case b&0xc0 == 0x40:
		return d.literal(p, 6, true)
	case b&0xe0 == 0x20:
		n, rest, err := literal.ReadInt(p, 5)
		switch {
		case err != nil:
			return nil, err
		case d.inside:
			return nil, errResize
		case n > uint64(d.limit):
			return nil, errTooLarge
		}
		d.max = int(n)
		d.shrink(d.max)
		return rest, nil
	}
	return d.literal(p, 4, false)
}

// literal decodes a field that is not in the tables, except perhaps its name. Nothing
// is decoded before all of it is there: it may come in many pieces.
func (d *decoder) literal(p []byte, prefix uint, index bool) (rest []byte, err error) {
	i, rest, err := literal.ReadInt(p, prefix)
	if err != nil {
		return nil, err
	}
	var name, value coded
	if i == 0 {
		if name, rest, err = readString(rest); err != nil {
			return nil, err
		}
	}
	if value, rest, err = readString(rest); err != nil {
		return nil, err
	}
	var f exchange.Field
	if i != 0 {
		var known *message.Line
		if known, err = d.at(i); err == nil {
			f.Name = known.Name
		}
	} else {
		f.Name, err = d.text(name)
	}
	if err != nil {
		return nil, err
	}
	if f.Value, err = d.text(value); err != nil {
		return nil, err
	}
	d.line = message.LineOf(f.Name, f.Value)
	if index {
		d.add()
	}
	d.inside = true
	d.emit(&d.line)
	return rest, nil
}

// at returns the field of an index into both tables.
func (d *decoder) at(i uint64) (*message.Line, error) {
	switch {
	case i == 0 || i > uint64(staticEntries+len(d.table)):
		return nil, errIndex
	case i <= staticEntries:
		return &d.static[i], nil
	}
	return &d.table[len(d.table)-int(i-staticEntries)], nil
}

// add puts the last line into the table.
func (d *decoder) add() {
	size := d.line.Size()
	d.shrink(d.max - size)
	if size <= d.max {
		d.table = append(d.table, d.line)
		d.size += size
	}
}

// shrink evicts the oldest fields until no more than limit bytes are left.
func (d *decoder) shrink(limit int) {
	gone := 0
	for d.size > limit && gone < len(d.table) {
		d.size -= d.table[gone].Size()
		d.table[gone] = message.Line{}
		gone++
	}
	d.table = d.table[gone:]
}

// A coded string is one as it stands in the block.
type coded struct {
	bytes   []byte
	huffman bool
}

// text decodes a string.
func (d *decoder) text(c coded) (string, error) { return d.strings.Text(c.bytes, c.huffman) }

// readString reads a string literal (RFC 7541 section 5.2). What does not fit into the
// largest block is an error at once.
func readString(p []byte) (c coded, rest []byte, err error) {
	n, rest, err := literal.ReadInt(p, 7)
	switch {
	case err != nil:
		return coded{}, nil, err
	case n > maxCoded:
		return coded{}, nil, errString
	case n > uint64(len(rest)):
		return coded{}, nil, literal.ErrCut
	}
	return coded{rest[:n], p[0]&0x80 != 0}, rest[n:], nil
}
