//go:build !unix

package eager

import (
	"errors"
	"net"
	"sync/atomic"
)

// A Socket would read and write a connection and tell before it waits. Here there is
// none.
type Socket struct{ Waiting *atomic.Int32 }

// NewSocket returns nil.
func NewSocket(net.Conn, func()) *Socket { return nil }

// Expect does nothing.
func (*Socket) Expect(*Looker) {}

// Read fails.
func (*Socket) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Write fails.
func (*Socket) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
