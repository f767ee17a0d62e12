package nettest

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/kaon-net/kaon/net/profile"
)

// A ClientHello is one taken apart. GREASE values in lists are profile.GREASE.
type ClientHello struct {
	Version           uint16 // as TLS 1.2 reads it
	Random, SessionID string
	Ciphers           []uint16
	Extensions        []HelloExtension // in wire order
	GREASECipher      uint16           // as drawn
}

// A HelloExtension is one extension of a ClientHello.
type HelloExtension struct {
	ID     uint16 // GREASE as drawn
	Body   string
	GREASE bool
}

// ClientHellos finds the ClientHellos among what a server read: the second one
// answers a HelloRetryRequest.
func ClientHellos(t testing.TB, wire []byte) []*ClientHello {
	t.Helper()
	var out []*ClientHello
	for len(wire) >= 5 {
		n := int(binary.BigEndian.Uint16(wire[3:]))
		if len(wire) < 5+n {
			break
		}
		if wire[0] == 22 && n > 4 && wire[5] == 1 {
			out = append(out, ParseClientHello(t, wire[5:5+n]))
		}
		wire = wire[5+n:]
	}
	return out
}

// ParseClientHello reads a handshake message, which fails the test if it is not whole.
func ParseClientHello(t testing.TB, msg []byte) *ClientHello {
	t.Helper()
	r := helloReader{t, msg}
	r.skip(1)
	r = helloReader{t, r.vector(3)}
	h := &ClientHello{Version: uint16(r.number(2)), Random: string(r.bytes(32)), SessionID: string(r.vector(1))}
	h.Ciphers = list16(t, r.vector(2))
	h.GREASECipher = h.Ciphers[0]
	ungrease(h.Ciphers)
	if m := r.vector(1); string(m) != "\x00" {
		t.Errorf("compression methods: got %x, want 00", m)
	}
	all := helloReader{t, r.vector(2)}
	if len(r.b) != 0 {
		t.Errorf("%d bytes after the hello", len(r.b))
	}
	for len(all.b) > 0 {
		id := uint16(all.number(2))
		h.Extensions = append(h.Extensions, HelloExtension{id, string(all.vector(2)), IsGREASE(id)})
	}
	return h
}

// Body returns an extension's content.
func (h *ClientHello) Body(id uint16) ([]byte, bool) {
	for _, e := range h.Extensions {
		if e.ID == id {
			return []byte(e.Body), true
		}
	}
	return nil, false
}

// List returns the 16-bit numbers of an extension that is a list with a length of
// size bytes in front.
func (h *ClientHello) List(t testing.TB, id uint16, size int) []uint16 {
	t.Helper()
	b, ok := h.Body(id)
	if !ok {
		return nil
	}
	r := helloReader{t, b}
	out := list16(t, r.vector(size))
	ungrease(out)
	return out
}

// Protocols returns what ALPN or ALPS lists.
func (h *ClientHello) Protocols(t testing.TB, id uint16) []string {
	t.Helper()
	b, ok := h.Body(id)
	if !ok {
		return nil
	}
	r := helloReader{t, b}
	r = helloReader{t, r.vector(2)}
	var out []string
	for len(r.b) > 0 {
		out = append(out, string(r.vector(1)))
	}
	return out
}

// A KeyShare is one entry of a hello's key_share.
type KeyShare struct {
	Group uint16
	Key   string
}

// KeyShares returns what key_share has, GREASE as drawn.
func (h *ClientHello) KeyShares(t testing.TB) []KeyShare {
	t.Helper()
	b, ok := h.Body(profile.ExtKeyShare)
	if !ok {
		return nil
	}
	r := helloReader{t, b}
	r = helloReader{t, r.vector(2)}
	var out []KeyShare
	for len(r.b) > 0 {
		out = append(out, KeyShare{uint16(r.number(2)), string(r.vector(2))})
	}
	return out
}

// Set returns the extensions' numbers in rising order.
func (h *ClientHello) Set() []uint16 {
	out := h.Order()
	slices.Sort(out)
	return out
}

// Order returns the extensions' numbers in wire order.
func (h *ClientHello) Order() []uint16 {
	var out []uint16
	for _, e := range h.Extensions {
		out = append(out, e.ID)
	}
	ungrease(out)
	return out
}

// IsGREASE reports whether v is one of the values of RFC 8701: 0x0a0a to 0xfafa.
func IsGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func ungrease(list []uint16) {
	for i, v := range list {
		if IsGREASE(v) {
			list[i] = profile.GREASE
		}
	}
}

func list16(t testing.TB, b []byte) []uint16 {
	t.Helper()
	r := helloReader{t, b}
	var out []uint16
	for len(r.b) > 0 {
		out = append(out, uint16(r.number(2)))
	}
	return out
}

// A helloReader reads the structures of RFC 8446 section 3.
type helloReader struct {
	t testing.TB
	b []byte
}

func (r *helloReader) bytes(n int) []byte {
	r.t.Helper()
	if n > len(r.b) {
		r.t.Fatalf("hello: %d bytes wanted, %d left", n, len(r.b))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *helloReader) skip(n int) { r.t.Helper(); r.bytes(n) }

func (r *helloReader) number(size int) int {
	r.t.Helper()
	n := 0
	for _, b := range r.bytes(size) {
		n = n<<8 | int(b)
	}
	return n
}

func (r *helloReader) vector(size int) []byte { r.t.Helper(); return r.bytes(r.number(size)) }
