package stub

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// maxQuestion is enough for any name, the rest of the message, and a length before it.
const maxQuestion = 320

// An attempt is one question to one server, over a connection of its own.
type attempt struct {
	t      *transaction
	server int
	tcp    bool
	id     uint16
	start  time.Time
	conn   net.Conn
	log    netlog.Source
	reply  []byte // what the server said; only while logging

	scratch [maxQuestion]byte
}

func (t *transaction) newAttempt(server int, tcp bool) *attempt {
	a := &attempt{t: t, server: server, tcp: tcp, start: time.Now()}
	rand.Read(a.scratch[:2])
	a.id = binary.BigEndian.Uint16(a.scratch[:])
	a.begin()
	return a
}

// exchange asks and waits for the answer.
func (a *attempt) exchange(ctx context.Context, until time.Time) (answer *dnswire.Answer, err error) {
	if a.tcp {
		answer, err = a.askTCP(ctx, until)
	} else {
		answer, err = a.askUDP(ctx, until)
	}
	a.close(err)
	return answer, err
}

// listen goes on waiting for the answer to what was asked over UDP.
func (a *attempt) listen(ctx context.Context, until time.Time) (*dnswire.Answer, error) {
	answer, err := a.listenUDP(ctx, until)
	a.close(err)
	return answer, err
}

// close ends the attempt, which failed unless err is nil.
func (a *attempt) close(err error) {
	if a.conn != nil {
		a.conn.Close()
	}
	a.end(err)
}

// askUDP leaves the connection open.
func (a *attempt) askUDP(ctx context.Context, until time.Time) (*dnswire.Answer, error) {
	c := a.t.client
	conn, err := c.dial(ctx, "udp", a.server)
	if err != nil {
		err = a.fail(err)
		if errors.Is(err, neterr.InsufficientResources) {
			c.exhausted()
		}
		return nil, err
	}
	a.conn = conn
	if local, ok := conn.LocalAddr().(*net.UDPAddr); ok {
		c.asked(uint16(local.Port), a.id)
	}
	if err := a.send(a.question()[2:], until); err != nil {
		return nil, err
	}
	return a.listenUDP(ctx, until)
}

// maxStrays is how many answers to something else one socket takes.
const maxStrays = 32

var errStrays = errors.New("too many answers to other questions")

// datagrams are buffers for one answer and one byte more, which shows that it is too
// long.
var datagrams = sync.Pool{New: func() any { return new([dnswire.UDPSize + 1]byte) }}

// listenUDP reads until there is an answer to the question. Others are left alone: they
// may be forged, and the true one still come.
func (a *attempt) listenUDP(ctx context.Context, until time.Time) (*dnswire.Answer, error) {
	defer closeAfter(ctx, a.conn)()
	if err := a.conn.SetReadDeadline(until); err != nil {
		return nil, a.fail(err)
	}
	b := datagrams.Get().(*[dnswire.UDPSize + 1]byte)
	defer datagrams.Put(b)
	for range maxStrays {
		n, err := a.conn.Read(b[:])
		if err != nil {
			return nil, a.fail(err)
		}
		a.received(b[:n])
		if n > dnswire.UDPSize {
			return nil, a.t.fail(neterr.DNSMalformedResponse, errTooLong)
		}
		answer, err := dnswire.Parse(b[:n], a.t.question, a.id)
		if !errors.Is(err, dnswire.ErrMismatch) {
			if !errors.Is(err, neterr.DNSMalformedResponse) {
				a.t.client.measured(a.server, time.Since(a.start))
			}
			return answer, err
		}
		if id := binary.BigEndian.Uint16(b[:]); id != a.id && a.t.client.stray(id) {
			break
		}
	}
	return nil, a.t.fail(neterr.DNSMalformedResponse, errStrays)
}

var (
	errTooLong = errors.New("the answer is longer than it may be")
	errCut     = errors.New("the answer is cut short over TCP, too")
)

// askTCP frames the message with its length (RFC 1035 section 4.2.2).
func (a *attempt) askTCP(ctx context.Context, until time.Time) (*dnswire.Answer, error) {
	dialling, cancel := context.WithDeadline(ctx, until)
	conn, err := a.t.client.dial(dialling, "tcp", a.server)
	cancel()
	if err != nil {
		return nil, a.fail(err)
	}
	a.conn = conn
	defer closeAfter(ctx, conn)()
	if err := a.send(a.question(), until); err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(until); err != nil {
		return nil, a.fail(err)
	}
	if _, err := io.ReadFull(conn, a.scratch[:2]); err != nil {
		return nil, a.fail(err)
	}
	msg := make([]byte, binary.BigEndian.Uint16(a.scratch[:]))
	if _, err := io.ReadFull(conn, msg); err != nil {
		return nil, a.fail(err)
	}
	a.received(msg)
	answer, err := dnswire.Parse(msg, a.t.question, a.id)
	switch {
	case errors.Is(err, neterr.DNSServerRequiresTCP):
		return nil, a.t.fail(neterr.DNSMalformedResponse, errCut)
	case errors.Is(err, dnswire.ErrMismatch):
		return nil, a.t.fail(neterr.DNSMalformedResponse, err)
	}
	return answer, err
}

// question is the message with this attempt's id, and before it its length.
func (a *attempt) question() []byte {
	b := append(a.scratch[:0], a.t.message...)
	binary.BigEndian.PutUint16(b, uint16(len(b)-2))
	binary.BigEndian.PutUint16(b[2:], a.id)
	return b
}

func (a *attempt) send(b []byte, until time.Time) error {
	if err := a.conn.SetWriteDeadline(until); err != nil {
		return a.fail(err)
	}
	if _, err := a.conn.Write(b); err != nil {
		return a.fail(err)
	}
	a.sent(b)
	return nil
}

// fail is the error of a connection.
func (a *attempt) fail(err error) error {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return a.t.timeout()
	}
	return &neterr.Error{
		Code: neterr.CodeOf(neterr.From(err)), Op: "ask dns server", Addr: a.t.client.names[a.server], Err: err,
	}
}

// closeAfter closes conn when ctx ends, until what it returns is called.
func closeAfter(ctx context.Context, conn net.Conn) (stop func() bool) {
	if ctx.Done() == nil {
		return func() bool { return true }
	}
	return context.AfterFunc(ctx, func() { conn.Close() })
}
