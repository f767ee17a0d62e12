package pool_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/pool"
	"github.com/kaon-net/kaon/netlog"
)

var errDead = errors.New("fake: peer went away")

// A fakeConn serves one exchange at a time, as HTTP/1.1 does. The test plays the
// peer.
type fakeConn struct {
	name    string
	onClose func(c *fakeConn, err error)
	log     netlog.Source

	mu     sync.Mutex
	taken  bool
	dead   bool // the peer closed it, and nobody has noticed yet
	err    error
	hook   func()
	closes int
	probes int
}

func (c *fakeConn) RoundTrip(context.Context, *exchange.Request) (*exchange.Response, error) {
	return &exchange.Response{Status: 200}, nil
}

func (c *fakeConn) NetLog() netlog.Source { return c.log }

func (c *fakeConn) Reserve() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.taken:
		return errors.New("fake: slot reserved twice")
	}
	c.taken = true
	return nil
}

func (c *fakeConn) Alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probes++
	return !c.dead
}

// Release is also how the tests end an exchange.
func (c *fakeConn) Release() {
	c.mu.Lock()
	c.taken = false
	hook := c.hook
	c.mu.Unlock()
	hook()
}

// end makes the connection unusable in a way that it notices itself.
func (c *fakeConn) end(err error) {
	c.mu.Lock()
	c.err, c.taken = err, false
	hook := c.hook
	c.mu.Unlock()
	hook()
}

// die makes the connection unusable without anybody noticing.
func (c *fakeConn) die() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
}

func (c *fakeConn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken || c.err != nil {
		return 0
	}
	return 1
}

func (c *fakeConn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *fakeConn) SetStateHook(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hook = f
}

func (c *fakeConn) Close(err error) {
	c.mu.Lock()
	c.closes++
	first := c.closes == 1
	if c.err == nil {
		c.err = err
	}
	hook := c.hook
	c.mu.Unlock()
	if c.onClose != nil && first {
		c.onClose(c, err)
	}
	hook()
}

// A fakeMux serves several exchanges at once, as HTTP/2 does.
type fakeMux struct {
	fakeConn
	slots int
	inUse int

	peer   netip.AddrPort // where it leads, if it may serve other hosts
	covers []string       // those
}

func (c *fakeMux) Peer() netip.AddrPort { return c.peer }

func (c *fakeMux) Covers(host string) bool { return slices.Contains(c.covers, host) }

var _ pool.Sharer = (*fakeMux)(nil)

func (c *fakeMux) Reserve() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.err != nil:
		return c.err
	case c.dead:
		c.err = errDead
		return c.err
	case c.inUse >= c.slots:
		return neterr.HTTP2ServerRefusedStream
	}
	c.inUse++
	return nil
}

func (c *fakeMux) Release() {
	c.mu.Lock()
	c.inUse--
	hook := c.hook
	c.mu.Unlock()
	hook()
}

func (c *fakeMux) setSlots(n int) {
	c.mu.Lock()
	c.slots = n
	hook := c.hook
	c.mu.Unlock()
	hook()
}

func (c *fakeMux) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0
	}
	return max(c.slots-c.inUse, 0)
}

func (c *fakeMux) InUse() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inUse
}
