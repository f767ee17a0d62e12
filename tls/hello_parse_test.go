package tls_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/net/profile"
)

// A hello is a ClientHello taken apart. GREASE values in lists are profile.GREASE.
type hello struct {
	version           uint16 // as TLS 1.2 reads it
	random, sessionID string
	ciphers           []uint16
	extensions        []extension // in wire order
	greaseCipher      uint16      // as drawn
}

type extension struct {
	id     uint16 // GREASE as drawn
	body   string
	grease bool
}

// clientHellos finds the ClientHellos among what a server read: the second one
// answers a HelloRetryRequest.
func clientHellos(t testing.TB, wire []byte) []*hello {
	t.Helper()
	var out []*hello
	for len(wire) >= 5 {
		n := int(binary.BigEndian.Uint16(wire[3:]))
		if len(wire) < 5+n {
			break
		}
		if wire[0] == 22 && n > 4 && wire[5] == 1 {
			out = append(out, parseHello(t, wire[5:5+n]))
		}
		wire = wire[5+n:]
	}
	return out
}

func parseHello(t testing.TB, msg []byte) *hello {
	t.Helper()
	r := reader{t, msg}
	r.skip(1)
	r = reader{t, r.vector(3)}
	h := &hello{version: uint16(r.number(2)), random: string(r.bytes(32)), sessionID: string(r.vector(1))}
	h.ciphers = list16(t, r.vector(2))
	h.greaseCipher = h.ciphers[0]
	ungrease(h.ciphers)
	if m := r.vector(1); string(m) != "\x00" {
		t.Errorf("compression methods: got %x, want 00", m)
	}
	all := reader{t, r.vector(2)}
	if len(r.b) != 0 {
		t.Errorf("%d bytes after the hello", len(r.b))
	}
	for len(all.b) > 0 {
		id := uint16(all.number(2))
		h.extensions = append(h.extensions, extension{id, string(all.vector(2)), isGREASE(id)})
	}
	return h
}

// body returns an extension's content.
func (h *hello) body(id uint16) ([]byte, bool) {
	for _, e := range h.extensions {
		if e.id == id {
			return []byte(e.body), true
		}
	}
	return nil, false
}

// list returns the 16-bit numbers of an extension that is a list with a length of
// size bytes in front.
func (h *hello) list(t testing.TB, id uint16, size int) []uint16 {
	t.Helper()
	b, ok := h.body(id)
	if !ok {
		return nil
	}
	r := reader{t, b}
	out := list16(t, r.vector(size))
	ungrease(out)
	return out
}

// protocols returns what ALPN or ALPS lists.
func (h *hello) protocols(t testing.TB, id uint16) []string {
	t.Helper()
	b, ok := h.body(id)
	if !ok {
		return nil
	}
	r := reader{t, b}
	r = reader{t, r.vector(2)}
	var out []string
	for len(r.b) > 0 {
		out = append(out, string(r.vector(1)))
	}
	return out
}

type keyShare struct {
	group uint16
	key   string
}

func (h *hello) keyShares(t testing.TB) []keyShare {
	t.Helper()
	b, ok := h.body(profile.ExtKeyShare)
	if !ok {
		return nil
	}
	r := reader{t, b}
	r = reader{t, r.vector(2)}
	var out []keyShare
	for len(r.b) > 0 {
		out = append(out, keyShare{uint16(r.number(2)), string(r.vector(2))})
	}
	return out
}

// set returns the extensions' numbers in rising order.
func (h *hello) set() []uint16 {
	out := h.order()
	slices.Sort(out)
	return out
}

func (h *hello) order() []uint16 {
	var out []uint16
	for _, e := range h.extensions {
		out = append(out, e.id)
	}
	ungrease(out)
	return out
}

// isGREASE reports whether v is one of the values of RFC 8701: 0x0a0a to 0xfafa.
func isGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func ungrease(list []uint16) {
	for i, v := range list {
		if isGREASE(v) {
			list[i] = profile.GREASE
		}
	}
}

func list16(t testing.TB, b []byte) []uint16 {
	t.Helper()
	r := reader{t, b}
	var out []uint16
	for len(r.b) > 0 {
		out = append(out, uint16(r.number(2)))
	}
	return out
}

// A reader reads the structures of RFC 8446 section 3.
type reader struct {
	t testing.TB
	b []byte
}

func (r *reader) bytes(n int) []byte {
	r.t.Helper()
	if n > len(r.b) {
		r.t.Fatalf("hello: %d bytes wanted, %d left", n, len(r.b))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) skip(n int) { r.t.Helper(); r.bytes(n) }

func (r *reader) number(size int) int {
	r.t.Helper()
	n := 0
	for _, b := range r.bytes(size) {
		n = n<<8 | int(b)
	}
	return n
}

func (r *reader) vector(size int) []byte { r.t.Helper(); return r.bytes(r.number(size)) }
