package fuzz_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/net/netmon"
)

// FuzzRTNetlink reads anything as rtnetlink's reports: without panics, without
// keeping more than it was given, and so that no change goes unannounced.
func FuzzRTNetlink(f *testing.F) {
	message := func(kind uint16, body ...byte) []byte {
		b := binary.NativeEndian.AppendUint32(nil, uint32(16+len(body)))
		b = binary.NativeEndian.AppendUint16(b, kind)
		b = append(b, make([]byte, 10)...)
		return append(b, body...)
	}
	n32 := func(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }
	n16 := func(v ...uint16) (b []byte) {
		for _, one := range v {
			b = binary.NativeEndian.AppendUint16(b, one)
		}
		return b
	}
	link := func(kind uint16, index, flags uint32, name string) []byte {
		return message(kind, slices.Concat([]byte{0, 0, 0, 0}, n32(index), n32(flags), n32(1), n16(8, 3), []byte(name))...)
	}
	address := func(kind uint16, index uint32, flags byte, last byte) []byte {
		return message(kind, slices.Concat([]byte{2, 24, flags, 0}, n32(index), n16(8, 1), []byte{192, 0, 2, last})...)
	}
	f.Add(link(16, 2, 0x10041, "eth0"), address(20, 2, 0, 7))
	f.Add(address(20, 2, 0, 7), slices.Concat(address(21, 2, 0, 7), address(20, 2, 0, 7)))
	f.Add(slices.Concat(link(16, 3, 0x10041, "tun0"), address(20, 3, 0x20, 8)), link(17, 3, 0, "tun0"))
	f.Add(message(3, 0, 0, 0, 0), message(2, 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var table netmon.Table
		table.Apply(first)
		before := table.Addresses()
		applied, err := table.Apply(second)
		after := table.Addresses()
		if len(after) > (len(first)+len(second))/32+1 {
			t.Errorf("got %d addresses from %d bytes", len(after), len(first)+len(second))
		}
		c := netmon.Diff(before, after)
		changed := len(c.Added) > 0 || len(c.Removed) > 0
		if changed && !applied.Addresses && !applied.Links {
			t.Errorf("got %+v, %v for added %v, removed %v", applied, err, c.Added, c.Removed)
		}
		if back := netmon.Diff(after, before); len(back.Added) != len(c.Removed) || len(back.Removed) != len(c.Added) {
			t.Errorf("the other way round got %v, first %v", back, c)
		}
		if err != nil {
			return
		}
		// The last word on everything has been said, so saying it again changes nothing.
		if _, err := table.Apply(second); err != nil {
			t.Errorf("applied again: got %v", err)
		}
		if d := netmon.Diff(after, table.Addresses()); len(d.Added) > 0 || len(d.Removed) > 0 {
			t.Errorf("applied again: got %v", d)
		}
	})
}
