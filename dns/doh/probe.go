package doh

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// probeName has an address wherever the Internet is.
const probeName = "www.gstatic.com"

// The pauses between probes: each half as long again as the one before, and all
// shortened by up to a fifth.
const (
	firstPause = time.Second
	lastPause  = time.Hour
	jitter     = 0.2
)

// watch begins to probe each server that is not known to answer and that nobody probes
// yet. With mu held.
func (c *Client) watch() {
	c.used = true
	if !c.automatic || c.closed {
		return
	}
	for i := range c.era.servers {
		if h := &c.era.servers[i]; !h.probing && !h.available() {
			h.probing = true
			c.tasks.Add(1)
			go c.probeUntilAvailable(c.era, i)
		}
	}
}

// probeUntilAvailable sends probes to server i. It does not wait for one before it
// sends the next. A server that answered is looked at once more after the pause: if it
// has failed again meanwhile, the probes go on as before.
func (c *Client) probeUntilAvailable(e *era, i int) {
	defer c.tasks.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause := firstPause
	for {
		select {
		case <-timer.C:
		case <-e.ctx.Done():
			return
		}
		if c.available(e, i) {
			return
		}
		c.tasks.Go(func() { c.probe(e, i) })
		timer.Reset(time.Duration(float64(pause) * (1 - jitter*rand.Float64())))
		pause = min(pause*3/2, lastPause)
	}
}

// available reports whether server i needs no more probes, and if so, that there will
// be none.
func (c *Client) available(e *era, i int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := &e.servers[i]
	if h.available() {
		h.probing = false
		return true
	}
	return false
}

// probe asks server i once.
func (c *Client) probe(e *era, i int) {
	ctx, cancel := context.WithTimeout(e.ctx, c.timeout)
	defer cancel()
	q := dnswire.Question{Name: probeName, Type: dnswire.A}
	log := c.log.Source(netlog.SourceDNSOverHTTPS)
	begin(log, "(probe)", q.Type)

	msg, err := dnswire.AppendQuery(nil, q, dnswire.QueryOptions{Pad: true})
	r := result{server: i, err: err}
	if err == nil {
		r = c.ask(ctx, i, q, msg, log)
	}
	if r.err == nil && len(r.answer.Addrs) == 0 {
		r.err = neterr.DNSSecureProbeRecordInvalid
	}
	if r.err != nil {
		c.failed(e, i)
		return
	}
	c.took(e, i, r.took)
	c.succeeded(e, i)
}
