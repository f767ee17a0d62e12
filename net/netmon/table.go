package netmon

import (
	"net/netip"
)

// A Table holds the addresses of a machine as rtnetlink(7) reports them. The zero
// Table is empty and ready. It does no I/O and is not safe for concurrent use.
type Table struct {
	links     map[int32]link
	addresses map[addressKey]Flags
}

type link struct {
	name  string
	flags Flags // Loopback, Tunnel, Down
}

// One address may be on two interfaces (fe80::1), and on one with two lengths.
type addressKey struct {
	link   int32
	prefix netip.Prefix
}

// Applied says what a datagram was about.
type Applied struct {
	Addresses bool // an address that counts came or went
	Links     bool // an interface came, went, or changed in a way that is of interest
	Done      bool // a list that was asked for is complete
}

func (a *Applied) add(b Applied) {
	a.Addresses = a.Addresses || b.Addresses
	a.Links = a.Links || b.Links
	a.Done = a.Done || b.Done
}

// Apply takes over one datagram of messages in the byte order of the machine. An
// error means that the table may be wrong from now on: the datagram was cut short,
// reports a failure, or belongs to a list that was overtaken by a change.
func (t *Table) Apply(datagram []byte) (Applied, error) {
	var all Applied
	for len(datagram) > 0 {
		m, n, err := nextMessage(datagram)
		if err != nil {
			return all, err
		}
		datagram = datagram[n:]
		one, err := t.apply(m)
		all.add(one)
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// Addresses returns a new list of all addresses, in no particular order.
func (t *Table) Addresses() []Address {
	list := make([]Address, 0, len(t.addresses))
	for key, flags := range t.addresses {
		list = append(list, t.address(key, flags))
	}
	return list
}

func (t *Table) apply(m message) (Applied, error) {
	if m.interrupted {
		return Applied{}, errInterrupted
	}
	switch m.kind {
	case messageDone:
		return Applied{Done: true}, nil
	case messageError:
		return Applied{}, m.failure()
	case messageNewLink, messageDelLink:
		l, ok, err := parseLink(m.body)
		if !ok || err != nil {
			return Applied{}, err
		}
		if m.kind == messageDelLink {
			return t.deleteLink(l.index), nil
		}
		return t.setLink(l), nil
	case messageNewAddr, messageDelAddr:
		key, flags, ok, err := parseAddress(m.body)
		if !ok || err != nil {
			return Applied{}, err
		}
		if m.kind == messageDelAddr {
			return t.deleteAddress(key), nil
		}
		return t.setAddress(key, flags), nil
	}
	return Applied{}, nil
}

func (t *Table) setLink(l linkMessage) Applied {
	old, known := t.links[l.index]
	if l.name == "" {
		l.name = old.name
	}
	recent := link{name: l.name, flags: l.flags}
	if isTunnel(l.name) {
		recent.flags |= Tunnel
	}
	if known && recent == old {
		return Applied{}
	}
	if t.links == nil {
		t.links = make(map[int32]link)
	}
	t.links[l.index] = recent
	return Applied{Links: true}
}

// deleteLink also forgets the addresses of the link. The kernel mostly reports each
// of them before.
func (t *Table) deleteLink(index int32) Applied {
	var done Applied
	for key := range t.addresses {
		if key.link == index {
			done.add(t.deleteAddress(key))
		}
	}
	if _, known := t.links[index]; known {
		delete(t.links, index)
		done.Links = true
	}
	return done
}

func (t *Table) setAddress(key addressKey, flags Flags) Applied {
	counted := t.counts(key)
	if t.addresses == nil {
		t.addresses = make(map[addressKey]Flags)
	}
	t.addresses[key] = flags
	return Applied{Addresses: t.counts(key) != counted}
}

func (t *Table) deleteAddress(key addressKey) Applied {
	counted := t.counts(key)
	delete(t.addresses, key)
	return Applied{Addresses: counted}
}

func (t *Table) counts(key addressKey) bool {
	flags, known := t.addresses[key]
	if !known {
		return false
	}
	a := t.address(key, flags)
	return a.counts()
}

func (t *Table) address(key addressKey, flags Flags) Address {
	l := t.links[key.link]
	return Address{Interface: l.name, Prefix: key.prefix, Flags: flags | l.flags}
}
