package pool

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"
)

// A shard is what has limits of its own: Chromium has a pool object for each, and
// here each has a machine.
type shard struct {
	proxy     Proxy
	webSocket bool
}

func (k *Key) shard() shard { return shard{k.Proxy, k.WebSocket} }

// webSocketsPerHost is Chromium's limit for a group of its WebSocket pools: such
// connections are neither shared nor soon done.
const webSocketsPerHost = 255

// machine returns the one that decides about k. p.mu is held.
func (p *Pool) machine(k *Key) *machine {
	if k.Proxy.IsDirect() && !k.WebSocket {
		return p.main
	}
	s := k.shard()
	m := p.others[s]
	if m == nil {
		m = p.newMachine(s)
		p.others[s] = m
	}
	return m
}

func (p *Pool) newMachine(s shard) *machine {
	m := &machine{
		shard:    s,
		perGroup: p.cfg.MaxConnsPerHost,
		ceiling:  p.cfg.ceiling(s),
		usedFor:  p.cfg.IdleTimeout,
		freshFor: p.cfg.UnusedIdleTimeout,
		closed:   p.closed,
		groups:   make(map[Key]*group),
	}
	if s.webSocket {
		m.perGroup = webSocketsPerHost
	}
	return m
}

// ceiling returns the limit in all for s. One that nobody has chosen is Chromium's,
// chance included.
func (c *Config) ceiling(s shard) ceiling {
	chosen, unset := c.MaxConns, 256
	if !s.proxy.IsDirect() {
		chosen, unset = c.MaxConnsPerProxy, 128
	}
	if chosen == 0 {
		return ceiling{soft: unset, extra: unset, random: rand.Float64}
	}
	return ceiling{soft: limit(chosen, unset)}
}

// machines returns all there are in a fixed order, the main one first. p.mu is held.
func (p *Pool) machines() []*machine {
	all := make([]*machine, 1, 1+len(p.others))
	all[0] = p.main
	for _, m := range p.others {
		all = append(all, m)
	}
	slices.SortFunc(all[1:], func(a, b *machine) int {
		if c := strings.Compare(a.shard.proxy.String(), b.shard.proxy.String()); c != 0 {
			return c
		}
		return cmp.Compare(a.perGroup, b.perGroup)
	})
	return all
}

// discard forgets m if it has nothing: there is no end of proxies that a program may
// name. p.mu is held.
func (p *Pool) discard(m *machine) {
	if m != p.main && len(m.groups) == 0 {
		delete(p.others, m.shard)
	}
}
