package exchange

import "encoding/binary"

// IsFieldValue reports whether s may be the value of a field: it has no control
// character but tab (RFC 9110 section 5.5, leniently). It says what
// httpguts.ValidHeaderFieldValue does, from eight bytes at a time: every request and
// response has all its values looked at.
func IsFieldValue(s string) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	b := []byte(s) // no copy, as nothing writes to it
	for ; len(b) >= 8; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		del := v ^ ones*0x7f // a byte is zero where v's is 0x7f
		// A byte below space, or a zero one, borrows from its highest bit.
		if ((v-ones*' ')&^v|(del-ones)&^del)&highs != 0 && !isPlain(b[:8]) {
			return false
		}
	}
	return isPlain(b)
}

func isPlain(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
