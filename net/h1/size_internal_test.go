package h1

import (
	"testing"
	"unsafe"
)

// TestExchangeSize holds the exchange within the size class of 896 bytes, of which
// the allocator keeps 8 for itself.
func TestExchangeSize(t *testing.T) {
	if got := unsafe.Sizeof(xchg{}); got > 896-8 {
		t.Errorf("got %d bytes, want at most %d", got, 896-8)
	}
}
