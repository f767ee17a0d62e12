package nettest

import (
	"bufio"
	stdtls "crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
)

// maxHead bounds what ReadHead takes from a client gone wrong.
const maxHead = 1 << 20

// A Conn is a server's end of a connection, with verbs for scripts. Reading goes
// through a buffer; use its methods only, from the handler's goroutine.
type Conn struct {
	net.Conn
	raw *net.TCPConn
	r   *bufio.Reader
}

// Read reads through the buffer that [Conn.ReadHead] fills.
func (c *Conn) Read(p []byte) (int, error) { return c.r.Read(p) }

// ReadHead returns the next request's head as it came, its empty line included.
// The error is io.EOF if the client closed before its first byte, and
// io.ErrUnexpectedEOF within the head, whose part then is returned too.
func (c *Conn) ReadHead() (string, error) {
	var head strings.Builder
	for {
		line, err := c.r.ReadSlice('\n')
		head.Write(line)
		switch {
		case err == bufio.ErrBufferFull:
		case err == io.EOF && head.Len() > 0:
			return head.String(), io.ErrUnexpectedEOF
		case err != nil:
			return head.String(), err
		case string(line) == "\r\n":
			return head.String(), nil
		}
		if head.Len() > maxHead {
			return head.String(), errors.New("nettest: request head over 1 MiB")
		}
	}
}

// ReadBody reads exactly n bytes.
func (c *Conn) ReadBody(n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(c.r, b)
	return b[:got], err
}

// Print writes s as it is, in one system call where the kernel takes it.
func (c *Conn) Print(s string) error {
	_, err := io.WriteString(c.Conn, s)
	return err
}

// WaitClose discards what the client sends until it closes or resets.
func (c *Conn) WaitClose() { io.Copy(io.Discard, c.r) }

// CloseWrite ends the server's direction only: a TCP FIN, after a close_notify
// where TLS is spoken.
func (c *Conn) CloseWrite() error {
	return c.Conn.(interface{ CloseWrite() error }).CloseWrite()
}

// Cut closes the TCP connection with a FIN and, over TLS, without the close_notify
// that an honest end has.
func (c *Conn) Cut() error { return c.raw.Close() }

// Reset closes the connection by a TCP RST. Data the client has not received yet is
// lost with it.
func (c *Conn) Reset() error {
	c.raw.SetLinger(0)
	return c.raw.Close()
}

// TLS returns the state of the handshake; the zero state over plain TCP.
func (c *Conn) TLS() stdtls.ConnectionState {
	if secure, ok := c.Conn.(*stdtls.Conn); ok {
		return secure.ConnectionState()
	}
	return stdtls.ConnectionState{}
}
