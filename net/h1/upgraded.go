package h1

import (
	"io"
	"net/http"

	"github.com/kaon-net/kaon/net/neterr"
)

// An upgraded is the Body of a 101 response: the connection itself, in both
// directions, for the protocol that the peers changed to (RFC 9110 section 7.8).
// It is an io.ReadWriteCloser, as net/http's is.
type upgraded body

var _ io.ReadWriteCloser = (*upgraded)(nil)

// Read reads what the peer sends in the new protocol.
func (u *upgraded) Read(p []byte) (int, error) {
	if u.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	n, err := u.x.c.in.read(p)
	if err != nil && err != io.EOF {
		err = u.x.reason(err)
	}
	return n, err
}

// Write sends to the peer. It may be called while another goroutine reads.
func (u *upgraded) Write(p []byte) (int, error) {
	if u.closed.Load() {
		return 0, neterr.SocketNotConnected // which is net.ErrClosed, too
	}
	n, err := u.x.c.nc.Write(p)
	if err != nil {
		err = u.x.reason(err)
	}
	return n, err
}

// Close ends the connection.
func (u *upgraded) Close() error {
	if u.closed.Swap(true) {
		return nil
	}
	x := u.x
	if x.stop != nil {
		x.stop()
	}
	x.c.end(neterr.ConnectionClosed)
	if x.up != nil {
		x.up.abandon()
	}
	x.c.free()
	return nil
}
