package storage

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// recordKey is the key of a kind's record in the file.
func recordKey(t DataType, key string) string { return string(t) + "\x00" + key }

func splitRecordKey(key string) (t DataType, rest string, ok bool) {
	kind, rest, ok := strings.Cut(key, "\x00")
	return DataType(kind), rest, ok
}

const checksumSize = 4

// appendRecord appends what the file has for a record to dst.
func appendRecord(dst []byte, key string, value []byte) []byte {
	dst = append(dst, value...)
	return binary.LittleEndian.AppendUint32(dst, checksum(key, value))
}

// openRecord is the reverse of appendRecord. It is not ok if anything of the record is
// not as it was written.
func openRecord(key string, stored []byte) (value []byte, ok bool) {
	n := len(stored) - checksumSize
	if n < 0 {
		return nil, false
	}
	value = stored[:n:n]
	return value, binary.LittleEndian.Uint32(stored[n:]) == checksum(key, value)
}

func checksum(key string, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, table, []byte(key)), table, value)
}

// The parts of keys and values: numbers as varints, text with its length before it.

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBool(b []byte, is bool) []byte {
	if is {
		return append(b, 1)
	}
	return append(b, 0)
}

// appendTime keeps microseconds; the zero time stays it.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.AppendVarint(b, math.MinInt64)
	}
	return binary.AppendVarint(b, t.UnixMicro())
}

func appendSite(b []byte, s origin.Site) []byte {
	return appendText(appendText(b, s.Scheme), s.Domain)
}

// appendPartition is for keys without a nonce: one with a nonce ends with its page.
func appendPartition(b []byte, k origin.Key) []byte {
	b = appendBool(b, !k.IsZero())
	if k.IsZero() {
		return b
	}
	return appendSite(appendSite(b, k.Top()), k.Frame())
}

// A parts reads what the functions above wrote. After something bad all is zero, and bad
// is set.
type parts struct {
	b   string
	bad bool
}

func partsOf(b []byte) *parts { return &parts{b: string(b)} }

// whole reports whether all was read and good.
func (p *parts) whole() bool { return !p.bad && p.b == "" }

func (p *parts) fail() {
	p.b, p.bad = "", true
}

func (p *parts) uint() uint64 {
	var n uint64
	for i := 0; i < len(p.b) && i < binary.MaxVarintLen64; i++ {
		c := p.b[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			p.b = p.b[i+1:]
			return n
		}
	}
	p.fail()
	return 0
}

func (p *parts) int() int64 {
	n := p.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// below reads a number that is less than n.
func (p *parts) below(n uint64) uint64 {
	v := p.uint()
	if v >= n {
		p.fail()
		return 0
	}
	return v
}

func (p *parts) byte() byte {
	if p.b == "" {
		p.fail()
		return 0
	}
	c := p.b[0]
	p.b = p.b[1:]
	return c
}

func (p *parts) bool() bool { return p.below(2) == 1 }

func (p *parts) text() string {
	n := p.uint()
	if n > uint64(len(p.b)) {
		p.fail()
		return ""
	}
	s := p.b[:n]
	p.b = p.b[n:]
	return s
}

// rest is all that is left.
func (p *parts) rest() string {
	s := p.b
	p.b = ""
	return s
}

func (p *parts) time() time.Time {
	micro := p.int()
	if micro == math.MinInt64 || p.bad {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}

func (p *parts) site() origin.Site {
	scheme := p.text()
	return origin.Site{Scheme: scheme, Domain: p.text()}
}

func (p *parts) partition() origin.Key {
	if !p.bool() {
		return origin.Key{}
	}
	top := p.site()
	return origin.NewKey(top, p.site())
}

// list reads a list's length, which is at most what is left.
func (p *parts) list() int {
	return int(p.below(uint64(len(p.b)) + 1))
}
