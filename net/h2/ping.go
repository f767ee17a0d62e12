package h2

import (
	"encoding/binary"
	"time"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/neterr"
)

// Chromium's connection-at-risk-of-loss time, after which a request is preceded by a
// PING, and how long that may go without anything from the peer.
const (
	silence     = 10 * time.Second
	pingTimeout = 10 * time.Second
)

// Pinging is the PING under way.
type pinging struct {
	inFlight bool
	count    uint64 // of PINGs sent; the payload
	timer    *time.Timer
}

func (p *pinging) stop() {
	p.inFlight = false
	if p.timer != nil {
		p.timer.Stop()
	}
}

// checkAlive queues a PING if the peer has been silent until now, and returns its number,
// else 0. mu is held; what the caller queues next goes out in the same write.
func (c *Conn) checkAlive(now time.Duration) uint64 {
	p := &c.ping
	if p.inFlight || now-c.lastReadTime() <= silence {
		return 0
	}
	p.inFlight = true
	p.count++
	var data [8]byte
	binary.BigEndian.PutUint64(data[:], p.count)
	c.send.fr.WritePing(false, data)
	p.timer = time.AfterFunc(pingTimeout, c.pingExpired)
	return p.count
}

// pingExpired ends the connection if nothing at all came since the PING.
func (c *Conn) pingExpired() {
	c.mu.Lock()
	if !c.ping.inFlight || c.dead {
		c.mu.Unlock()
		return
	}
	quiet := c.now() - c.lastReadTime()
	if quiet < pingTimeout {
		c.ping.timer.Reset(pingTimeout - quiet)
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	c.end(neterr.HTTP2PingFailed, http2.ErrCodeNo)
}
