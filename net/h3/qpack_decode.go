package h3

import (
	"errors"
	"sync"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/literal"
)

// A decoder reads field sections (RFC 9204 section 4.5). As it announced no dynamic
// table, one that refers to it is an error.
type decoder struct {
	mu      sync.Mutex
	strings literal.Strings
}

// Why a field section cannot be read, beside what package literal says.
var (
	errIndex   = errors.New("field section has an index that is not in the static table")
	errDynamic = errors.New("field section refers to a dynamic table")
)

// decode adds the fields of a section to b, until b has too many.
func (d *decoder) decode(p []byte, b *section) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.lines(p, b); err != nil {
		return violated(codeQPACKDecompression, "%s", err.Error())
	}
	return nil
}

func (d *decoder) lines(p []byte, b *section) error {
	count, p, err := literal.ReadInt(p, 8)
	if err != nil {
		return err
	}
	if _, p, err = literal.ReadInt(p, 7); err != nil {
		return err
	}
	if count != 0 {
		return errDynamic
	}
	for len(p) > 0 && !b.IsFull() {
		var f exchange.Field
		if f, p, err = d.line(p); err != nil {
			return err
		}
		b.add(f)
	}
	return nil
}

// line decodes what p begins with.
func (d *decoder) line(p []byte) (f exchange.Field, rest []byte, err error) {
	var i uint64
	switch c := p[0]; {
	case c&0x80 != 0: // indexed
		if c&0x40 == 0 {
			return f, nil, errDynamic
		}
		if i, rest, err = literal.ReadInt(p, 6); err != nil {
			return f, nil, err
		}
		if i >= uint64(len(staticTable)) {
			return f, nil, errIndex
		}
		return staticTable[i], rest, nil
	case c&0x40 != 0: // literal with a name of the table
		if c&0x10 == 0 {
			return f, nil, errDynamic
		}
		if i, rest, err = literal.ReadInt(p, 4); err != nil {
			return f, nil, err
		}
		if i >= uint64(len(staticTable)) {
			return f, nil, errIndex
		}
		f.Name = staticTable[i].Name
	case c&0x20 != 0: // literal
		if f.Name, rest, err = d.text(p, 3); err != nil {
			return f, nil, err
		}
	default: // post-base
		return f, nil, errDynamic
	}
	f.Value, rest, err = d.text(rest, 7)
	return f, rest, err
}

// text reads a string whose length has so many bits in the first byte, and the bit for
// Huffman code above them.
func (d *decoder) text(p []byte, prefix uint) (s string, rest []byte, err error) {
	n, rest, err := literal.ReadInt(p, prefix)
	if err != nil {
		return "", nil, err
	}
	if n > uint64(len(rest)) {
		return "", nil, literal.ErrCut
	}
	s, err = d.strings.Text(rest[:n], p[0]&(1<<prefix) != 0)
	return s, rest[n:], err
}

// ReadFields decodes a field section that needs no dynamic table: its field lines as
// they are, pseudo-fields among them. Lines beyond limit bytes, counted as RFC 9114
// section 4.2.2 does, are left out.
func ReadFields(p []byte, limit int) (exchange.Fields, error) {
	var d decoder
	b := section{plain: true}
	b.Limit = limit
	if err := d.decode(p, &b); err != nil {
		return nil, err
	}
	return b.Fields, nil
}
