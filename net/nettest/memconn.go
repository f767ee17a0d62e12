package nettest

import (
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// A MemConn is one end of an in-memory connection, made by [Pipe] or a [Network].
// It behaves as a TCP connection does where that matters to a client: writes return
// once they are buffered, reads after a peer's Reset give what was received first,
// and failures are *net.OpError with the errno a socket would give.
//
// Unlike a socket, closing it with unread data sends no reset.
type MemConn struct {
	in, out       *stream
	local, remote net.Addr
}

// Pipe returns the two ends of a connection that buffers up to limit bytes in each
// direction; zero is 64 KiB, negative is no limit.
func Pipe(limit int) (client, server *MemConn) {
	return newPipe(limit, &net.TCPAddr{IP: loopback, Port: 49152}, &net.TCPAddr{IP: loopback, Port: 80})
}

var loopback = net.IPv4(127, 0, 0, 1)

func newPipe(limit int, clientAddr, serverAddr net.Addr) (client, server *MemConn) {
	if limit == 0 {
		limit = 64 << 10
	}
	up, down := newStream(limit), newStream(limit)
	return &MemConn{in: down, out: up, local: clientAddr, remote: serverAddr},
		&MemConn{in: up, out: down, local: serverAddr, remote: clientAddr}
}

// Read reads what the peer wrote; io.EOF follows the last byte once it has closed.
func (c *MemConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p)
	return n, c.wrap("read", err)
}

// Write blocks only while the buffer is full.
func (c *MemConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p)
	return n, c.wrap("write", err)
}

// Close ends both directions: the peer reads what is buffered, then io.EOF, and its
// writes fail with EPIPE. Closing again does nothing.
func (c *MemConn) Close() error {
	c.out.end()
	c.in.abandon()
	return nil
}

// CloseWrite ends this end's direction only: the peer reads io.EOF and can still
// write.
func (c *MemConn) CloseWrite() error {
	c.out.end()
	return nil
}

// Reset closes the connection as a TCP RST does: the peer's reads, after what is
// buffered, and its writes fail with ECONNRESET.
func (c *MemConn) Reset() {
	c.out.fail(os.NewSyscallError("read", syscall.ECONNRESET), nil)
	c.in.fail(nil, os.NewSyscallError("write", syscall.ECONNRESET))
	c.Close()
}

// LocalAddr returns this end's address, a *net.TCPAddr.
func (c *MemConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the peer's address, a *net.TCPAddr.
func (c *MemConn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines; the zero time clears them. Calls that wait see
// the change.
func (c *MemConn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline sets when reads fail with os.ErrDeadlineExceeded.
func (c *MemConn) SetReadDeadline(t time.Time) error {
	return c.wrap("set", c.in.setReadDeadline(t))
}

// SetWriteDeadline sets when writes fail with os.ErrDeadlineExceeded.
func (c *MemConn) SetWriteDeadline(t time.Time) error {
	return c.wrap("set", c.out.setWriteDeadline(t))
}

func (c *MemConn) wrap(op string, err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.local, Addr: c.remote, Err: err}
}
