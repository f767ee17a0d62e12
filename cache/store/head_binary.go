package store

import (
	"encoding/binary"
	"math"
	"net/netip"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
)

// AppendBinary appends the head in the binary form that ParseHead reads. Times keep
// their microseconds and lose their zone. The form has no version: whoever stores it
// says which one it is.
func (h *Head) AppendBinary(b []byte) []byte {
	b = append(b, byte(h.State))
	b = binary.AppendUvarint(b, uint64(h.Status))
	b = binary.AppendUvarint(b, uint64(h.Length+1))
	b = appendTime(b, h.RequestTime)
	b = appendTime(b, h.ResponseTime)
	b = appendTime(b, h.RefreshBy)
	b = appendAddr(b, h.Remote)
	b = appendString(b, h.Proto)
	b = appendString(b, h.StatusText)
	b = binary.AppendUvarint(b, uint64(len(h.Header)))
	b = binary.AppendUvarint(b, uint64(len(h.Vary)))
	b = appendFields(b, h.Header)
	return appendFields(b, h.Vary)
}

// ParseHead reads what AppendBinary wrote and keeps nothing of b. All strings of the
// head are parts of one. Anything else than exactly a head is
// neterr.CacheReadFailure.
func ParseHead(b []byte) (*Head, error) {
	return ParseHeadString(string(b))
}

// ParseHeadString is ParseHead of a string, of which the head's strings are parts.
func ParseHeadString(s string) (*Head, error) {
	r := read(s, MaxHead)
	h := &Head{
		State:        State(r.uint(uint64(Variants))),
		Status:       int(r.uint(999)),
		Length:       int64(r.uint(math.MaxInt64+1) - 1),
		RequestTime:  r.time(),
		ResponseTime: r.time(),
		RefreshBy:    r.time(),
		Remote:       r.addr(),
		Proto:        r.string(),
		StatusText:   r.string(),
	}
	header, vary := r.count(fieldSize), r.count(fieldSize)
	if header+vary > len(r.rest)/fieldSize {
		r.fail("it ends before the last of its fields")
	} else if header+vary > 0 {
		fields := make(exchange.Fields, header+vary)
		for i := range fields {
			fields[i] = exchange.Field{Name: r.string(), Value: r.string()}
		}
		if header > 0 {
			h.Header = fields[:header:header]
		}
		if vary > 0 {
			h.Vary = fields[header:]
		}
	}
	if err := r.close("parse a stored head"); err != nil {
		return nil, err
	}
	return h, nil
}

// fieldSize is the least that a field takes: two lengths.
const fieldSize = 2

func appendFields(b []byte, fields exchange.Fields) []byte {
	for i := range fields {
		b = appendString(b, fields[i].Name)
		b = appendString(b, fields[i].Value)
	}
	return b
}

func appendTime(b []byte, t time.Time) []byte { return binary.AppendVarint(b, t.UnixMicro()) }

// time is the zero Time for what was one.
func (r *reader) time() time.Time { return time.UnixMicro(r.int()).UTC() }

// appendAddr writes an unknown address as none of no bytes.
func appendAddr(b []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return append(b, 0)
	}
	const portSize = 2
	b = binary.AppendUvarint(b, uint64(a.Addr().BitLen()/8+len(a.Addr().Zone())+portSize))
	b, _ = a.AppendBinary(b) // which has no error to return
	return b
}

func (r *reader) addr() (a netip.AddrPort) {
	s := r.string()
	if s == "" {
		return a
	}
	if err := a.UnmarshalBinary([]byte(s)); err != nil || !a.IsValid() {
		r.fail("its address is none")
		return netip.AddrPort{}
	}
	return a
}
