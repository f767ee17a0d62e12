package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
)

// bbolt maps its file and trusts what it finds there: a page that went bad, or a file
// that was cut, ends the program. So the file is read here first, trusting nothing, and
// bbolt sees only one whose pages are all as it would have written them.
//
// A file is pages of one size. Each begins with its number, type, number of elements and
// number of pages that it runs on over. Pages 0 and 1 describe the last transaction and
// the one before, with a checksum. From there hangs a tree of branch and leaf pages,
// whose elements' keys and values stand behind them; the values of the leaves are
// buckets, which are such trees again, or leaves where they are small. Numbers are in the
// machine's byte order.
const (
	pageHeader = 16
	elemSize   = 16
	metaSize   = 64

	branchPage = 0x01
	leafPage   = 0x02
	bucketElem = 0x01

	boltMagic   = 0xED0CDAED
	boltVersion = 2

	noFreelist = 1<<64 - 1
)

// errDamaged is of a file that nobody could have written whole.
var errDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errDamaged, fmt.Sprintf(format, args...))
}

// An image is a bbolt file.
type image struct {
	b        []byte
	pageSize int
	seen     []bool // pages that are part of a tree
}

// A meta is the head of a transaction.
type meta struct {
	pageSize int
	root     uint64
	pages    uint64 // how many the file has
	tx       uint64
}

// readBuckets calls enter for each bucket in the file b and visit for each key and value
// in it, in order. If the error is errDamaged, bbolt must not open the file.
func readBuckets(b []byte, enter func(name string) error, visit func(key, value []byte)) error {
	m, ok := lastMeta(b)
	if !ok {
		return damaged("no transaction is whole")
	}
	if m.pages > uint64(len(b)/m.pageSize) {
		return damaged("it has been cut")
	}
	im := &image{b, m.pageSize, make([]bool, m.pages)}
	im.seen[0], im.seen[1] = true, true
	return im.tree(m.root, &cursor{visit: func(name, bucket []byte, flags uint32) error {
		if flags != bucketElem || len(bucket) < elemSize {
			return damaged("no bucket where one should be")
		}
		if err := enter(string(name)); err != nil {
			return err
		}
		records := &cursor{visit: func(key, value []byte, flags uint32) error {
			if flags != 0 {
				return damaged("a bucket where none should be")
			}
			visit(key, value)
			return nil
		}}
		if root := binary.NativeEndian.Uint64(bucket); root != 0 {
			return im.tree(root, records)
		}
		return leaf(bucket[elemSize:], records)
	}})
}

// A cursor is how far a tree has been read.
type cursor struct {
	visit func(key, value []byte, flags uint32) error
	last  []byte // the key read last
	first []byte // what the next key is, as a branch has it; nil: any
}

// tree reads the tree under page id.
func (im *image) tree(id uint64, c *cursor) error {
	page, err := im.page(id)
	if err != nil {
		return err
	}
	switch binary.NativeEndian.Uint16(page[8:]) {
	case leafPage:
		return leaf(page, c)
	case branchPage:
	default:
		return damaged("page %d is of no type", id)
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 || pageHeader+count*elemSize > len(page) {
		return damaged("page %d has %d elements", id, count)
	}
	text := page[pageHeader+count*elemSize:]
	for i := range count {
		elem := page[pageHeader+i*elemSize:]
		pos, keySize := binary.NativeEndian.Uint32(elem), binary.NativeEndian.Uint32(elem[4:])
		key, ok := next(elem, &text, pos, keySize)
		if !ok || !c.accepts(key) {
			return damaged("page %d has a bad key", id)
		}
		c.first = key
		if err := im.tree(binary.NativeEndian.Uint64(elem[8:]), c); err != nil {
			return err
		}
	}
	return nil
}

func leaf(page []byte, c *cursor) error {
	if len(page) < pageHeader || binary.NativeEndian.Uint16(page[8:]) != leafPage {
		return damaged("no leaf where one should be")
	}
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if pageHeader+count*elemSize > len(page) {
		return damaged("a leaf has %d elements", count)
	}
	text := page[pageHeader+count*elemSize:]
	if count == 0 && (c.first != nil || len(bytes.Trim(text, "\x00")) > 0) {
		return damaged("a leaf has lost its elements")
	}
	for i := range count {
		elem := page[pageHeader+i*elemSize:]
		u32 := binary.NativeEndian.Uint32
		key, ok := next(elem, &text, u32(elem[4:]), u32(elem[8:]))
		if !ok || !c.accepts(key) {
			return damaged("a leaf has a bad key")
		}
		value, ok := take(&text, u32(elem[12:]))
		if !ok {
			return damaged("a leaf has a bad value")
		}
		c.last = key
		if err := c.visit(key, value, binary.NativeEndian.Uint32(elem)); err != nil {
			return err
		}
	}
	return nil
}

// accepts reports whether key may be the next one. A branch has the first key of each page
// under it, by which bbolt finds the page when it has changed.
func (c *cursor) accepts(key []byte) bool {
	ok := len(key) > 0 && bytes.Compare(key, c.last) > 0 && (c.first == nil || bytes.Equal(key, c.first))
	c.first = nil
	return ok
}

// next returns the key of elem, which is pos behind it and the first of what is left of
// text: nothing is between one and the next, so that a number of elements that went bad
// shows.
func next(elem []byte, text *[]byte, pos, size uint32) ([]byte, bool) {
	if uint64(pos) != uint64(len(elem)-len(*text)) {
		return nil, false
	}
	return take(text, size)
}

func take(text *[]byte, size uint32) ([]byte, bool) {
	if uint64(size) > uint64(len(*text)) {
		return nil, false
	}
	taken := (*text)[:size:size]
	*text = (*text)[size:]
	return taken, true
}

// page returns page id with those it runs on over. None is in two places.
func (im *image) page(id uint64) ([]byte, error) {
	if id >= uint64(len(im.seen)) {
		return nil, damaged("page %d is not there", id)
	}
	page := im.b[id*uint64(im.pageSize):]
	more := uint64(binary.NativeEndian.Uint32(page[12:]))
	if binary.NativeEndian.Uint64(page) != id || more >= uint64(len(im.seen))-id {
		return nil, damaged("page %d is not itself", id)
	}
	for i := id; i <= id+more; i++ {
		if im.seen[i] {
			return nil, damaged("page %d is in two places", i)
		}
		im.seen[i] = true
	}
	return page[:(more+1)*uint64(im.pageSize)], nil
}

// lastMeta finds the last transaction that was written whole, as bbolt does.
func lastMeta(b []byte) (m meta, ok bool) {
	first, ok := metaAt(b, 0)
	if !ok {
		for size := 1 << 10; size <= 1<<24; size <<= 1 { // the second one knows the page size
			if m, ok = metaAt(b, size); ok && m.pageSize == size {
				return m, true
			}
		}
		return meta{}, false
	}
	if second, ok := metaAt(b, first.pageSize); ok && second.pageSize == first.pageSize && second.tx > first.tx {
		return second, true
	}
	return first, true
}

func metaAt(b []byte, at int) (m meta, ok bool) {
	if len(b) < at+pageHeader+metaSize {
		return m, false
	}
	b = b[at+pageHeader:][:metaSize]
	u32, u64 := binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
	sum := fnv.New64a()
	sum.Write(b[:56])
	m = meta{pageSize: int(u32(b[8:])), root: u64(b[16:]), pages: u64(b[40:]), tx: u64(b[48:])}
	return m, u32(b) == boltMagic && u32(b[4:]) == boltVersion && u64(b[56:]) == sum.Sum64() &&
		m.pageSize >= 1024 && m.pageSize&(m.pageSize-1) == 0 && u64(b[32:]) == noFreelist && m.pages >= 2
}
