package stub_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"

	miekg "github.com/miekg/dns"
)

// A server is one of UDP and TCP at the same port of the loopback interface.
type server struct {
	addr netip.AddrPort
	udp  net.PacketConn
	tcp  net.Listener

	mu     sync.Mutex
	handle func(over string, query []byte) [][]byte
	asked  []string // over what
}

// newServer answers with what handle returns, several messages or none, until the test
// ends. over is "udp" or "tcp". It is called by one goroutine at a time.
func newServer(t testing.TB, handle func(over string, query []byte) [][]byte) *server {
	t.Helper()
	s := &server{handle: handle}
	for range 10 { // somebody may have the port over TCP
		udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		tcp, err := net.Listen("tcp4", udp.LocalAddr().String())
		if err == nil {
			s.udp, s.tcp, s.addr = udp, tcp, netip.MustParseAddrPort(udp.LocalAddr().String())
			break
		}
		udp.Close()
	}
	if s.udp == nil {
		t.Fatal("no port for UDP and TCP")
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		s.udp.Close()
		s.tcp.Close()
		serving.Wait()
	})
	serving.Go(func() {
		b := make([]byte, 64<<10)
		for {
			n, from, err := s.udp.ReadFrom(b)
			if err != nil {
				return
			}
			for _, reply := range s.answer("udp", b[:n]) {
				s.udp.WriteTo(reply, from)
			}
		}
	})
	serving.Go(func() {
		for {
			c, err := s.tcp.Accept()
			if err != nil {
				return
			}
			s.serveOne(c)
		}
	})
	return s
}

func (s *server) answer(over string, query []byte) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, over)
	return s.handle(over, query)
}

// wasAsked returns what every question until now came over.
func (s *server) wasAsked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *server) serveOne(c net.Conn) {
	defer c.Close()
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return
	}
	for _, reply := range s.answer("tcp", query) {
		c.Write(framed(reply))
	}
	io.Copy(io.Discard, c)
}

// big is an answer of n addresses.
func big(query []byte, n int) []byte {
	var q, m miekg.Msg
	if err := q.Unpack(query); err != nil {
		panic(err) // the client's message
	}
	m.SetReply(&q)
	m.Compress = true
	for i := range n {
		m.Answer = append(m.Answer, &miekg.A{
			Hdr: miekg.RR_Header{Name: q.Question[0].Name, Rrtype: miekg.TypeA, Class: miekg.ClassINET, Ttl: 60},
			A:   net.IPv4(10, 0, byte(i>>8), byte(i)),
		})
	}
	b, err := m.Pack()
	if err != nil {
		panic(err) // of what is above
	}
	return b
}
