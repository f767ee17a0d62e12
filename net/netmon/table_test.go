package netmon_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/kaon-net/kaon/net/netmon"
)

// The numbers of rtnetlink(7) that the tests need.
const (
	msgError, msgDone      = 2, 3
	newLink, delLink       = 16, 17
	newAddr, delAddr       = 20, 21
	newRoute               = 24
	up, loopback           = 0x1 | 0x40 | 0x10000, 0x8
	temporary, optimistic  = 0x01, 0x04
	failed, deprecated     = 0x08, 0x20
	tentative, interrupted = 0x40, 0x10
)

// rt makes a netlink message.
func rt(kind, flags uint16, body ...[]byte) []byte {
	b := make([]byte, 16)
	for _, part := range body {
		b = append(b, part...)
	}
	binary.NativeEndian.PutUint32(b, uint32(len(b)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint16(b[6:], flags)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// attr makes an attribute, with its padding.
func attr(kind uint16, value string) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func linkHead(family byte, index, flags, change uint32) []byte {
	b := []byte{family, 0, 0, 0}
	for _, v := range []uint32{index, flags, change} {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

func linkMsg(kind uint16, index, flags uint32, name string) []byte {
	return rt(kind, 0, linkHead(0, index, flags, 0xffffffff), attr(3, name+"\x00"))
}

func addrHead(family, bits, flags byte, index uint32) []byte {
	return binary.NativeEndian.AppendUint32([]byte{family, bits, flags, 0}, index)
}

func addrMsg(kind uint16, index uint32, prefix string, flags byte, more ...[]byte) []byte {
	p := netip.MustParsePrefix(prefix)
	family := byte(2)
	if p.Addr().Is6() {
		family = 10
	}
	body := [][]byte{addrHead(family, byte(p.Bits()), flags, index), attr(1, string(p.Addr().AsSlice()))}
	return rt(kind, 0, append(body, more...)...)
}

func lifetime(preferred uint32) []byte {
	return attr(6, string(binary.NativeEndian.AppendUint32(nil, preferred))+strings.Repeat("\xff", 12))
}

func local(ip string) []byte { return attr(2, string(netip.MustParseAddr(ip).AsSlice())) }

func TestTable(t *testing.T) {
	eth := linkMsg(newLink, 2, up, "eth0")
	v4, v6 := addrMsg(newAddr, 2, "192.0.2.7/24", 0), addrMsg(newAddr, 2, "2001:db8::7/64", 0)
	const ethV4, ethV6 = "eth0 192.0.2.7/24", "eth0 2001:db8::7/64"
	type applied = netmon.Applied
	tests := []struct {
		name    string
		before  [][]byte
		message []byte
		want    applied
		counted string // the addresses that count afterwards
		offline bool
	}{
		{name: "empty", offline: true},
		{name: "a link", message: eth, want: applied{Links: true}, offline: true},
		{name: "an IPv4 address", before: [][]byte{eth}, message: v4, want: applied{Addresses: true}, counted: ethV4},
		{name: "an IPv6 address", before: [][]byte{eth}, message: v6, want: applied{Addresses: true}, counted: ethV6},
		{name: "two in one datagram", before: [][]byte{eth}, message: slices.Concat(v4, v6), want: applied{Addresses: true}, counted: ethV4 + ", " + ethV6},
		{name: "known", before: [][]byte{eth, v4}, message: v4, counted: ethV4},
		{name: "repeated with other lifetimes", before: [][]byte{eth, v6}, message: addrMsg(newAddr, 2, "2001:db8::7/64", 0, lifetime(60)), counted: ethV6},
		{name: "goes", before: [][]byte{eth, v4, v6}, message: addrMsg(delAddr, 2, "192.0.2.7/24", 0), want: applied{Addresses: true}, counted: ethV6},
		{name: "goes and comes back", before: [][]byte{eth, v4}, message: slices.Concat(addrMsg(delAddr, 2, "192.0.2.7/24", 0), v4), want: applied{Addresses: true}, counted: ethV4},
		{name: "unknown goes", before: [][]byte{eth, v4}, message: addrMsg(delAddr, 2, "192.0.2.8/24", 0), counted: ethV4},
		{name: "of an unknown link", message: v4, want: applied{Addresses: true}, counted: " 192.0.2.7/24"},
		{
			name: "point to point: the local one", before: [][]byte{linkMsg(newLink, 3, up, "ppp0")},
			message: addrMsg(newAddr, 3, "10.0.0.1/32", 0, local("10.0.0.2")), want: applied{Addresses: true}, counted: "ppp0 10.0.0.2/32",
		},
		{name: "IPv4's secondary is not temporary", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "192.0.2.7/24", temporary), want: applied{Addresses: true}, counted: ethV4},

		{name: "on loopback", before: [][]byte{linkMsg(newLink, 1, up|loopback, "lo")}, message: addrMsg(newAddr, 1, "192.0.2.7/24", 0), offline: true},
		{name: "on a tunnel", before: [][]byte{linkMsg(newLink, 4, up, "tun0")}, message: addrMsg(newAddr, 4, "192.0.2.7/24", 0), offline: true},
		{name: "temporary", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "2001:db8::7/64", temporary), offline: true},
		{name: "temporary goes", before: [][]byte{eth, v4, addrMsg(newAddr, 2, "2001:db8::7/64", temporary)}, message: addrMsg(delAddr, 2, "2001:db8::7/64", temporary), counted: ethV4},
		{name: "deprecated", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "192.0.2.7/24", deprecated), offline: true},
		{name: "deprecated by lifetime alone", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "2001:db8::7/64", 0, lifetime(0)), offline: true},
		{name: "becomes deprecated", before: [][]byte{eth, v6}, message: addrMsg(newAddr, 2, "2001:db8::7/64", deprecated), want: applied{Addresses: true}, offline: true},
		{name: "tentative", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "2001:db8::7/64", tentative), offline: true},
		{name: "not tentative any more", before: [][]byte{eth, addrMsg(newAddr, 2, "2001:db8::7/64", tentative)}, message: v6, want: applied{Addresses: true}, counted: ethV6},
		{name: "optimistic", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "2001:db8::7/64", tentative|optimistic), want: applied{Addresses: true}, counted: ethV6},
		{name: "a duplicate", before: [][]byte{eth}, message: addrMsg(newAddr, 2, "2001:db8::7/64", tentative|optimistic|failed), offline: true},
		{name: "another family", before: [][]byte{eth}, message: rt(newAddr, 0, addrHead(12, 24, 0, 2)), offline: true},

		{name: "the link is unplugged", before: [][]byte{eth, v4}, message: linkMsg(newLink, 2, 1, "eth0"), want: applied{Links: true}, counted: ethV4, offline: true},
		{name: "the link is as it was", before: [][]byte{eth, v4}, message: eth, counted: ethV4},
		{name: "the link has another name", before: [][]byte{eth, v4}, message: linkMsg(newLink, 2, up, "lan"), want: applied{Links: true}, counted: "lan 192.0.2.7/24"},
		{name: "no name is no other name", before: [][]byte{eth, v4}, message: rt(newLink, 0, linkHead(0, 2, up, 1)), counted: ethV4},
		{name: "the link goes", before: [][]byte{eth, v4, v6}, message: linkMsg(delLink, 2, 0, "eth0"), want: applied{Addresses: true, Links: true}, offline: true},
		{name: "a link nobody knew goes", before: [][]byte{eth, v4}, message: linkMsg(delLink, 9, 0, "eth9"), counted: ethV4},
		{name: "it leaves a bridge", before: [][]byte{eth, v4}, message: rt(delLink, 0, linkHead(7, 2, up, 0xffffffff), attr(3, "eth0\x00")), counted: ethV4},
		{name: "news of the radio", before: [][]byte{eth, v4}, message: rt(newLink, 0, linkHead(0, 2, 0, 0), attr(11, "scan")), counted: ethV4},

		{name: "the end of a list", before: [][]byte{eth, v4}, message: rt(msgDone, 2, []byte{0, 0, 0, 0}), want: applied{Done: true}, counted: ethV4},
		{name: "an acknowledgement", before: [][]byte{eth, v4}, message: rt(msgError, 0, make([]byte, 20)), counted: ethV4},
		{name: "a route", before: [][]byte{eth, v4}, message: rt(newRoute, 0, make([]byte, 12)), counted: ethV4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var table netmon.Table
			for _, b := range tt.before {
				if _, err := table.Apply(b); err != nil {
					t.Fatalf("before: got %v", err)
				}
			}
			got, err := table.Apply(tt.message)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
			c := netmon.Diff(nil, table.Addresses())
			if got := names(c.Added); got != tt.counted {
				t.Errorf("counted: got %q, want %q", got, tt.counted)
			}
			if c.Online == tt.offline {
				t.Errorf("online: got %v, want %v", c.Online, !tt.offline)
			}
		})
	}
}

func TestTableErrors(t *testing.T) {
	v4 := addrMsg(newAddr, 2, "192.0.2.7/24", 0)
	long := slices.Clone(v4)
	binary.NativeEndian.PutUint32(long, 1<<31)
	short := slices.Clone(v4)
	binary.NativeEndian.PutUint32(short, 15)
	code := binary.NativeEndian.AppendUint32(nil, uint32(0xffffffff)) // -1: EPERM
	tests := []struct {
		name    string
		message []byte
		want    string
	}{
		{"cut in the header", v4[:10], "malformed"},
		{"cut in the body", v4[:20], "malformed"},
		{"longer than the datagram", long, "malformed"},
		{"shorter than its header", short, "malformed"},
		{"a second one cut", slices.Concat(v4, v4[:17]), "malformed"},
		{"a link without a head", rt(newLink, 0, make([]byte, 15)), "malformed"},
		{"an address without a head", rt(newAddr, 0, make([]byte, 7)), "malformed"},
		{"an address without one", rt(newAddr, 0, addrHead(2, 24, 0, 2)), "malformed"},
		{"an address of three bytes", rt(newAddr, 0, addrHead(2, 24, 0, 2), attr(1, "abc")), "malformed"},
		{"a network of 33 bits", addrMsgBits(33), "malformed"},
		{"half a lifetime", addrMsg(newAddr, 2, "192.0.2.7/24", 0, attr(6, "12345678")), "malformed"},
		{"an attribute of three bytes", rt(newLink, 0, linkHead(0, 2, up, 0), attrHead(3)), "malformed"},
		{"an attribute past the end", rt(newLink, 0, linkHead(0, 2, up, 0), attrHead(9), []byte("eth0")), "malformed"},
		{"half an error", rt(msgError, 0, []byte{1, 2, 3}), "malformed"},
		{"an error", rt(msgError, 0, code, make([]byte, 16)), syscall.Errno(1).Error()},
		{"an overtaken list", rt(newAddr, interrupted, v4[16:]), "overtaken"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var table netmon.Table
			if _, err := table.Apply(tt.message); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func addrMsgBits(bits byte) []byte {
	return rt(newAddr, 0, addrHead(2, bits, 0, 2), attr(1, "\xc0\x00\x02\x07"))
}

// attrHead begins an attribute that is length bytes long, as it says.
func attrHead(length uint16) []byte {
	return binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, length), 3)
}
