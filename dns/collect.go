package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// The times of a step (Chromium).
const (
	// resolutionDelay is how long IPv4 addresses are kept back for IPv6 ones to come
	// first (RFC 8305 section 3).
	resolutionDelay = 50 * time.Millisecond

	// HTTPS records are waited for a fifth longer than addresses took, within bounds.
	minServiceWait, maxServiceWait = 5 * time.Millisecond, 50 * time.Millisecond

	// minimalTTL is for how long addresses are remembered at least, and those of the
	// system's resolver, which tells no time, exactly.
	minimalTTL = 60 * time.Second
)

// maxAddrs bounds what is kept of one family; a name has a handful, a forged answer
// may have thousands.
const maxAddrs = 256

// collision is the address by which a new top-level domain says that the name was
// meant for somebody's private network (ICANN, name collision framework).
var collision = netip.AddrFrom4([4]byte{127, 0, 53, 53})

// A collector puts the replies to one step together. It belongs to the goroutine of
// its job.
type collector struct {
	*job
	step     step
	began    time.Time
	families int // not answered yet

	delay, extra *time.Timer // nil: not running

	errs     [2]error // by family, of the system's resolver
	ttl      time.Duration
	known    bool          // whether there is a ttl
	negative time.Duration // of an answer without addresses; the shortest
	alias    string        // that an HTTPS record says the name is; empty: none does
}

func (c *collector) stop() {
	for _, t := range [...]*time.Timer{c.delay, c.extra} {
		if t != nil {
			t.Stop()
		}
	}
}

func (c *collector) delayed() <-chan time.Time  { return channel(c.delay) }
func (c *collector) patience() <-chan time.Time { return channel(c.extra) }

func channel(t *time.Timer) <-chan time.Time {
	if t == nil {
		return nil
	}
	return t.C
}

// waitForServices bounds how long HTTPS records are waited for.
func (c *collector) waitForServices() {
	c.extra = time.NewTimer(min(max(time.Since(c.began)/5, minServiceWait), maxServiceWait))
}

// release gives IPv4 addresses out that were kept back.
func (c *collector) release() {
	c.delay = nil
	c.r.mu.Lock()
	if !c.done {
		c.held = false
		c.tell()
	}
	c.r.mu.Unlock()
	c.log.Event(netlog.HostResolverServiceEndpointsResolutionDelay)
}

// add takes one reply. An error is the end of the step.
func (c *collector) add(rep reply) error {
	if rep.typ == dnswire.HTTPS {
		c.addServices(rep.answer, rep.err)
		return nil
	}
	c.families--
	f := familyOfType(rep.typ)
	if rep.err != nil {
		if c.step != stepSystem && c.step != stepMDNS {
			return rep.err
		}
		c.errs[f] = rep.err
		rep.answer = new(dnswire.Answer)
	}
	return c.addAddrs(f, rep.answer)
}

// addServices takes the HTTPS records, or does without them.
func (c *collector) addServices(a *dnswire.Answer, err error) {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.found.complete = true
	if err == nil {
		for _, s := range a.Services {
			switch {
			case s.Priority == 0:
				c.alias = s.Target
			case s.Target == "" && s.Port == 0:
				// As Chromium, records about the host itself alone.
				c.found.services = append(c.found.services, s)
			}
		}
	}
	if len(c.found.services) > 0 {
		c.keep(a.TTL, a.Known)
	}
	if known := len(c.found.addrs[v6]) + len(c.found.addrs[v4]); known > 0 && !c.done {
		c.tell() // who had to wait for this may use them now
	}
}

func (c *collector) addAddrs(f family, a *dnswire.Answer) error {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	list := c.found.addrs[f]
	for _, addr := range a.Addrs {
		// Some resolvers answer a question for IPv6 with mapped IPv4 addresses,
		// which the other question yields plain.
		if addr.Is4In6() && f == v4 {
			addr = addr.Unmap()
		}
		if addr == collision {
			return neterr.ICANNNameCollision
		}
		if !addr.Is4In6() && familyOf(addr) == f && len(list) < maxAddrs && !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	c.found.addrs[f] = list
	c.found.source = c.step.answers()
	if len(list) == 0 {
		if a.Known && (c.negative == 0 || a.TTL < c.negative) {
			c.negative = a.TTL
		}
	} else {
		c.keep(max(a.TTL, minimalTTL), true)
		if c.found.canonical == "" || f == v6 {
			c.found.canonical = a.CanonicalName
		}
	}
	switch {
	case c.done:
	case c.families > 0 && f == v4 && len(list) > 0:
		c.held, c.delay = true, time.NewTimer(resolutionDelay)
	case c.families == 0 && c.found.complete:
		// The end of the step follows at once, and tells.
	default:
		c.held = c.held && c.families > 0
		c.tell()
	}
	return nil
}

func (c *collector) keep(ttl time.Duration, known bool) {
	if known && (!c.known || ttl < c.ttl) {
		c.ttl, c.known = ttl, true
	}
}

// end makes a result of what came, and has it remembered.
func (c *collector) end(ctx context.Context, who asker) error {
	if c.alias != "" && len(c.found.addrs[v6])+len(c.found.addrs[v4]) == 0 {
		if err := c.follow(ctx, who); err != nil {
			return err
		}
	}
	addrs := slices.Concat(c.found.addrs[v6], c.found.addrs[v4])
	if c.step != stepSystem && len(addrs) > 0 {
		addrs = sortAddrs(addrs, systemSource)
	}
	if len(addrs) == 0 {
		err := c.errs[v4]
		var none *net.AddrError // the system's resolver had addresses, of the other family
		if err == nil || errors.As(err, &none) {
			err = c.errs[v6]
		}
		c.denials = append(c.denials, denial{c.step, c.negative})
		return &neterr.Error{Code: neterr.NameNotResolved, Err: err}
	}
	c.r.mu.Lock()
	c.found.all, c.found.complete = addrs, true
	c.found.expires = time.Now().Add(c.ttl)
	f := c.found
	c.r.mu.Unlock()
	c.r.remember(&c.key, c.step, &f, 0, c.ttl)
	return nil
}

// follow asks for the addresses of the name's alias: an HTTPS record may stand where
// a CNAME must not (RFC 9460 section 2.4.2).
func (c *collector) follow(ctx context.Context, who asker) error {
	for _, t := range [...]dnswire.Type{dnswire.AAAA, dnswire.A} {
		if !c.key.query.allows(familyOfType(t)) {
			continue
		}
		a, err := who(ctx, dnswire.Question{Name: c.alias + ".", Type: t})
		if err != nil {
			return err
		}
		if err := c.addAddrs(familyOfType(t), a); err != nil {
			return err
		}
	}
	return nil
}
