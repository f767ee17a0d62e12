package store_test

import (
	"errors"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

func wholeHead() *store.Head {
	return &store.Head{
		Status: 200, StatusText: "OK", Proto: "HTTP/1.1",
		Header: exchange.FieldsOf("Content-Type", "text/plain", "cache-control", "max-age=60", "X-Empty", "", "X-Empty", "\xff\x00"),
		Length: 1 << 40, State: store.Sparse,
		RequestTime:  time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		ResponseTime: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
		RefreshBy:    time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC),
		Vary:         exchange.FieldsOf("Accept-Language", "de"),
		Remote:       netip.MustParseAddrPort("192.0.2.1:443"),
	}
}

func TestHeadRoundTrip(t *testing.T) {
	tests := []struct {
		name   string
		change func(h *store.Head)
	}{
		{"all of it", func(*store.Head) {}},
		{"nothing", func(h *store.Head) { *h = store.Head{} }},
		{"length unknown", func(h *store.Head) { h.Length = -1 }},
		{"longest", func(h *store.Head) { h.Length = math.MaxInt64 }},
		{"variants", func(h *store.Head) { *h = store.Head{State: store.Variants, Vary: h.Vary} }},
		{"header alone", func(h *store.Head) { h.Vary = nil }},
		{"before 1970", func(h *store.Head) { h.RequestTime = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC) }},
		{"IPv6", func(h *store.Head) { h.Remote = netip.MustParseAddrPort("[2001:db8::1]:1") }},
		{"IPv4 in IPv6", func(h *store.Head) { h.Remote = netip.MustParseAddrPort("[::ffff:192.0.2.1]:1") }},
		{"zone", func(h *store.Head) {
			h.Remote = netip.AddrPortFrom(netip.MustParseAddr("fe80::1%"+strings.Repeat("z", 300)), 65535)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := wholeHead()
			tt.change(want)
			got, err := store.ParseHead(want.AppendBinary(nil))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// Nobody may add to one list of a parsed head and find it in the other.
func TestHeadFieldsApart(t *testing.T) {
	h, err := store.ParseHead(wholeHead().AppendBinary(nil))
	if err != nil {
		t.Fatal(err)
	}
	h.Header.Add("X", "y")
	if got := h.Vary[0].Name; got != "Accept-Language" {
		t.Errorf("got %q, want Accept-Language", got)
	}
}

func TestHeadTimeInMicroseconds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("", 3600))
	h, err := store.ParseHead((&store.Head{RequestTime: at}).AppendBinary(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := at.UTC().Truncate(time.Microsecond); h.RequestTime != want {
		t.Errorf("got %v, want %v", h.RequestTime, want)
	}
	if !h.ResponseTime.IsZero() {
		t.Errorf("got %v, want the zero time", h.ResponseTime)
	}
}

// Whatever a head is cut to, or has behind it, it is no head.
func TestParseHeadExact(t *testing.T) {
	whole := wholeHead().AppendBinary(nil)
	for n := range whole {
		if h, err := store.ParseHead(whole[:n]); !errors.Is(err, neterr.CacheReadFailure) || h != nil {
			t.Errorf("cut to %d bytes: got %v, %v", n, h, err)
		}
	}
	if _, err := store.ParseHead(append(whole, 0)); !errors.Is(err, neterr.CacheReadFailure) {
		t.Errorf("with one byte more: got %v", err)
	}
}

func TestParseHeadBad(t *testing.T) {
	const max = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	tests := []struct {
		name, head, want string
	}{
		{"state", "\x04\x00\x00" + "\x00\x00\x00" + "\x00\x00\x00\x00\x00", "too large"},
		{"status", "\x00\xe8\x07\x00" + "\x00\x00\x00" + "\x00\x00\x00\x00\x00", "too large"},
		{"longer form", "\x00\x80\x00\x00" + "\x00\x00\x00" + "\x00\x00\x00\x00\x00", "shortest"},
		{"length", "\x00\x00" + max + "\x00\x00\x00" + "\x00\x00\x00\x00\x00", "too large"},
		{"number of 11 bytes", "\x00\x00\xff" + max + "\x00\x00\x00" + "\x00\x00\x00\x00\x00", "too large"},
		{"address of 3 bytes", "\x00\x00\x00" + "\x00\x00\x00" + "\x03abc" + "\x00\x00\x00\x00", "address"},
		{"port alone", "\x00\x00\x00" + "\x00\x00\x00" + "\x02ab" + "\x00\x00\x00\x00", "address"},
		{"string beyond the end", "\x00\x00\x00" + "\x00\x00\x00" + "\x00\x05\x00\x00\x00", "early"},
		{"string of all memory", "\x00\x00\x00" + "\x00\x00\x00" + "\x00" + max + "\x00\x00\x00", "early"},
		{"fields of all memory", "\x00\x00\x00" + "\x00\x00\x00" + "\x00\x00\x00" + max + "\x00", "last of its fields"},
		{"vary of all memory", "\x00\x00\x00" + "\x00\x00\x00" + "\x00\x00\x00\x00" + max, "last of its fields"},
		{"fields of each other", "\x00\x00\x00" + "\x00\x00\x00" + "\x00\x00\x00\x02\x02" + "\x00\x00\x00\x00\x00\x00", "last of its fields"},
		{"too long", strings.Repeat("\x00", store.MaxHead+1), "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := store.ParseHead([]byte(tt.head))
			if !errors.Is(err, neterr.CacheReadFailure) || !strings.Contains(err.Error(), tt.want) || h != nil {
				t.Errorf("got %v, %v; want an error about %q", h, err, tt.want)
			}
		})
	}
}

func TestParseHeadAllocs(t *testing.T) {
	b := wholeHead().AppendBinary(nil)
	if got := testing.AllocsPerRun(100, func() { store.ParseHead(b) }); got > 3 {
		t.Errorf("got %v allocations, want the head, its text and its fields", got)
	}
}

// A stored page of another site must not hold on to more than itself: what is parsed
// shares no memory with the buffer it was read into.
func TestParseHeadKeepsNothing(t *testing.T) {
	b := wholeHead().AppendBinary(nil)
	h, err := store.ParseHead(b)
	if err != nil {
		t.Fatal(err)
	}
	clear(b)
	if want := wholeHead(); !reflect.DeepEqual(h, want) {
		t.Errorf("got %+v, want %+v", h, want)
	}
	first, last := unsafe.StringData(h.Proto), unsafe.StringData(h.Vary[0].Value)
	if d := uintptr(unsafe.Pointer(last)) - uintptr(unsafe.Pointer(first)); d > uintptr(len(b)) {
		t.Errorf("strings lie %d bytes apart, want them in one of %d", d, len(b))
	}
}

func BenchmarkParseHead(b *testing.B) {
	head := wholeHead().AppendBinary(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := store.ParseHead(head); err != nil {
			b.Fatal(err)
		}
	}
}
