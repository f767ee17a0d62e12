//go:build !unix

package eager

import (
	"errors"
	"net"
)

// A Socket would read and write a connection and tell before it waits. Here there is
// none.
type Socket struct{}

// NewSocket returns nil.
func NewSocket(net.Conn, func(), *Looker) *Socket { return nil }

// Expect does nothing.
func (*Socket) Expect() {}

// Read fails.
func (*Socket) Read([]byte) (int, error) { return 0, errors.ErrUnsupported }

// Write fails.
func (*Socket) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
