package dial

import (
	"net/netip"
	"slices"
	"time"
)

// A race decides which address is tried when (Chromium: TcpConnectJob). It is plain
// data: the caller tells it what happened and what time it is, starts the attempts
// that next returns, and waits until wake.
//
// One connector tries one address after the other. If the first attempt has not
// succeeded after delay, a second connector joins it; from then on one of them
// prefers IPv6 and the other IPv4.
type race struct {
	delay time.Duration // negative: never a second connector

	addrs    [2][]netip.Addr // what is known, by family
	tried    [2]int          // how many of them had their attempt
	complete bool            // no more will become known

	prefer     family // of the only connector; the other one after a failure
	connectors [2]connector
	two        bool
	forIPv6    int       // which connector prefers IPv6, once there are two
	slow       time.Time // when the second connector comes; zero before the first attempt
}

type connector struct {
	busy   bool
	family family // of the attempt under way
}

type family uint8

const (
	v6 family = iota
	v4
)

func familyOf(a netip.Addr) family {
	if a.Unmap().Is4() {
		return v4
	}
	return v6
}

// learn adds what of addrs is new. With complete there will be no more.
func (r *race) learn(addrs []netip.Addr, complete bool) {
	for _, a := range addrs {
		if f := familyOf(a); !slices.Contains(r.addrs[f], a) {
			r.addrs[f] = append(r.addrs[f], a)
		}
	}
	r.complete = complete
}

// known returns how many addresses there are.
func (r *race) known() int { return len(r.addrs[v6]) + len(r.addrs[v4]) }

// next returns the attempt that should begin now, and by which connector. It is
// called until there is none.
func (r *race) next(now time.Time) (c int, addr netip.Addr, ok bool) {
	first := 0
	if r.two {
		first = r.forIPv6
	}
	for _, c := range [...]int{first, 1 - first} {
		if r.connectors[c].busy || c == 1 && !r.two {
			continue
		}
		f, ok := r.pick(c)
		if !ok {
			continue
		}
		addr := r.addrs[f][r.tried[f]]
		r.tried[f]++
		r.connectors[c] = connector{busy: true, family: f}
		if r.slow.IsZero() {
			r.slow = now.Add(r.delay)
		}
		return c, addr, true
	}
	return 0, netip.Addr{}, false
}

// failed says that the attempt of connector c ended without a connection.
func (r *race) failed(c int) {
	r.connectors[c].busy = false
	r.prefer = other(r.connectors[c].family)
}

// wake returns when tick has something to do, if ever.
func (r *race) wake() (time.Time, bool) {
	idle := r.complete && r.untried(v6) == 0 && r.untried(v4) == 0
	return r.slow, !r.two && r.delay >= 0 && !r.slow.IsZero() && !idle
}

// tick lets the second connector join if it is time, and reports whether it did.
func (r *race) tick(now time.Time) bool {
	if at, ok := r.wake(); !ok || now.Before(at) {
		return false
	}
	r.two = true
	if first := r.connectors[0]; !first.busy || first.family == v4 {
		r.forIPv6 = 1
	}
	return true
}

// over reports whether every address there is, or will be, has been tried in vain.
func (r *race) over() bool {
	return r.complete && !r.connectors[0].busy && !r.connectors[1].busy &&
		r.untried(v6) == 0 && r.untried(v4) == 0
}

// pick returns the family that connector c tries next. Of two connectors each keeps
// to its own until it is certain what the other family has.
func (r *race) pick(c int) (family, bool) {
	f, strict := r.prefer, false
	if r.two {
		strict = !r.complete
		if f = v4; c == r.forIPv6 {
			f = v6
		}
	}
	switch {
	case r.untried(f) > 0:
		return f, true
	case !strict && r.untried(other(f)) > 0:
		return other(f), true
	}
	return 0, false
}

func (r *race) untried(f family) int { return len(r.addrs[f]) - r.tried[f] }

func other(f family) family { return f ^ 1 }
