package h2

import (
	"testing"
	"unsafe"
)

// TestStreamSize holds the stream within the size class of 1152 bytes, of which the
// allocator keeps 8 for itself.
func TestStreamSize(t *testing.T) {
	if got := unsafe.Sizeof(stream{}); got > 1152-8 {
		t.Errorf("got %d bytes, want at most %d", got, 1152-8)
	}
}
