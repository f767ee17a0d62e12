package mdns

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/netlog"
)

const (
	port = 5353

	// maxMessage is what a message may have at most, with its headers
	// (RFC 6762 section 17).
	maxMessage = 9000

	// hopLimit is that of all messages (RFC 6762 section 11).
	hopLimit = 255
)

// A family is how to ask over one version of IP.
type family struct {
	network string
	group   netip.Addr
	is4     bool
}

var families = [...]family{
	{"udp4", netip.AddrFrom4([4]byte{224, 0, 0, 251}), true},
	{"udp6", netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0xfb}), false},
}

// A socket asks on all links and is where the answers go.
type socket struct {
	conn *net.UDPConn
	log  netlog.Source
}

// ask sends msg on each link. It returns nil if that works on none, with the last error,
// if there is any.
func (f *family) ask(links links, msg []byte, log netlog.Source) (*socket, error) {
	var s *socket
	var last error
	sent := false
	for i := range links {
		if !links[i].has(f.is4) {
			continue
		}
		if s == nil {
			conn, err := net.ListenUDP(f.network, nil)
			if err != nil {
				return nil, err
			}
			s = &socket{conn: conn, log: log.New(netlog.SourceUDPSocket)}
			s.begin(log, f.group)
		}
		if err := f.send(s, &links[i].Interface, msg); err != nil {
			last = err // as of a link that went down meanwhile
		} else {
			sent = true
		}
	}
	if s != nil && !sent {
		s.close()
		return nil, last
	}
	return s, nil
}

// multicaster is what is needed of both versions' packages.
type multicaster interface {
	SetMulticastInterface(*net.Interface) error
}

func (f *family) send(s *socket, i *net.Interface, msg []byte) error {
	to := netip.AddrPortFrom(f.group, port)
	var m multicaster
	var err error
	if f.is4 {
		p := ipv4.NewPacketConn(s.conn)
		m, err = p, p.SetMulticastTTL(hopLimit)
	} else {
		p := ipv6.NewPacketConn(s.conn)
		m, err = p, p.SetMulticastHopLimit(hopLimit)
		to = netip.AddrPortFrom(f.group.WithZone(i.Name), port)
	}
	if err != nil {
		return err
	}
	if err := m.SetMulticastInterface(i); err != nil {
		return err
	}
	if _, err := s.conn.WriteToUDPAddrPort(msg, to); err != nil {
		return err
	}
	s.log.Event(netlog.UDPBytesSent, netlog.Bytes(msg))
	return nil
}

// listen returns the first answer to q, or nil when the socket is closed.
func (s *socket) listen(q dnswire.Question, links links) *dnswire.Answer {
	b := make([]byte, maxMessage)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return nil
		}
		s.log.Event(netlog.UDPBytesReceived, netlog.Bytes(b[:n]))
		on, ok := links.of(from.Addr().Unmap())
		if !ok || from.Port() != port {
			continue
		}
		if a, err := dnswire.ParseMulticast(b[:n], q); err == nil {
			for i, addr := range a.Addrs {
				if addr.Is6() && addr.IsLinkLocalUnicast() {
					a.Addrs[i] = addr.WithZone(on)
				}
			}
			return a
		}
	}
}

func (s *socket) close() {
	s.conn.Close()
	s.log.End(netlog.SocketAlive)
}
