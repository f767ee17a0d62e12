package stub_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"
	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/stub"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestScenarios runs testdata/*, each with a clock of its own.
//
//	new servers=N [timeout=D] [attempts=N] [rotate] [tcp] [fast] [port=N]
//	server N udp=(HOW, HOW, …) tcp=(HOW, …) [after=D]
//	query [cancel=D]    what was asked of whom and when, and what came of it
//	repeat N            queries, without a word
//	wait D
//
// A server treats each question as the next HOW says, and those after as the last:
// answer, nxdomain, servfail, refused, truncated, malformed, empty, forged (another id),
// strange (another question), spray (forged without end), drop, refuse (nobody listens),
// close, half, dribble, exhausted (there are no sockets left). Between forged or strange
// answers and the true one is the time that after says. port gives all sockets the same
// one.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			w := &world{}
			datadriven.RunTest(t, path, w.run)
			w.serving.Wait()
		})
	})
}

// A world is servers in memory and a client.
type world struct {
	client  *stub.Client
	fast    bool // its queries have FastTimeout
	port    int
	serving sync.WaitGroup

	mu      sync.Mutex
	servers []*behaviour
	start   time.Time
	story   strings.Builder
}

// A behaviour is how a server treats questions.
type behaviour struct {
	udp, tcp []string
	after    time.Duration
}

func newBehaviour() *behaviour {
	return &behaviour{udp: []string{"answer"}, tcp: []string{"answer"}}
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "new":
		cfg := stub.Config{
			Rotate: d.HasArg("rotate"), UseTCP: d.HasArg("tcp"), Dial: w.dial,
		}
		maybe(t, d, "attempts", &cfg.Attempts)
		cfg.Timeout = duration(t, d, "timeout")
		n := 0
		d.ScanArgs(t, "servers", &n)
		w.servers, w.port = nil, 0
		maybe(t, d, "port", &w.port)
		for i := range n {
			cfg.Servers = append(cfg.Servers, netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), 53))
			w.servers = append(w.servers, newBehaviour())
		}
		w.client, w.fast = stub.New(cfg), d.HasArg("fast")
		return ""
	case "server":
		n, err := strconv.Atoi(d.CmdArgs[0].Key)
		if err != nil || n < 1 || n > len(w.servers) {
			d.Fatalf(t, "no server %s", d.CmdArgs[0].Key)
		}
		b := newBehaviour()
		b.after = duration(t, d, "after")
		for _, arg := range d.CmdArgs[1:] {
			switch arg.Key {
			case "udp":
				b.udp = arg.Vals
			case "tcp":
				b.tcp = arg.Vals
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.servers[n-1] = b
		return ""
	case "repeat":
		n, err := strconv.Atoi(d.CmdArgs[0].Key)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		for range n {
			w.query(t, 0)
		}
		return ""
	case "wait":
		time.Sleep(parsed(t, d, d.CmdArgs[0].Key))
		return ""
	case "query":
		return w.query(t, duration(t, d, "cancel"))
	}
	d.Fatalf(t, "unknown command")
	return ""
}

func (w *world) query(t *testing.T, cancelled time.Duration) string {
	w.mu.Lock()
	w.start = time.Now()
	w.story.Reset()
	w.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if cancelled > 0 {
		defer time.AfterFunc(cancelled, cancel).Stop()
	}
	a, err := w.client.Query(ctx, dnswire.Question{Name: "h.test", Type: dnswire.A}, stub.Options{FastTimeout: w.fast})
	switch {
	case err != nil:
		w.tell("%s", neterr.CodeOf(err).Name())
	case a.NameError:
		w.tell("no such name")
	default:
		w.tell("answer %v", a.Addrs)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.story.String()
}

func (w *world) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Fprintf(&w.story, "%-6v %s\n", time.Since(w.start), fmt.Sprintf(format, args...))
}

// dial connects to a server that behaves as it was told to.
func (w *world) dial(ctx context.Context, network, address string) (net.Conn, error) {
	server := netip.MustParseAddrPort(address).Addr().As4()[3]
	w.tell("%s to %d", network, server)
	w.mu.Lock()
	b := w.servers[server-1]
	list := &b.udp
	if network == "tcp" {
		list = &b.tcp
	}
	how := (*list)[0]
	if len(*list) > 1 {
		*list = (*list)[1:]
	}
	w.mu.Unlock()
	if how == "exhausted" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("socket", syscall.EMFILE)}
	}
	if network == "tcp" && how == "refuse" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	}
	if network == "tcp" {
		client, peer := nettest.Pipe(0)
		w.serving.Go(func() {
			defer peer.Close()
			serveStream(peer, how, b.after)
		})
		return client, nil
	}
	client, peer := net.Pipe()
	w.serving.Go(func() {
		defer peer.Close()
		servePackets(peer, how, b.after)
	})
	return &packetConn{Conn: client, port: w.port, refused: how == "refuse"}, nil
}

// A packetConn passes for a socket: the pipe below it keeps messages apart.
type packetConn struct {
	net.Conn
	port    int
	refused bool
}

func (c *packetConn) LocalAddr() net.Addr {
	if c.port == 0 {
		return c.Conn.LocalAddr()
	}
	return &net.UDPAddr{Port: c.port}
}

func (c *packetConn) Read(b []byte) (int, error) {
	if c.refused {
		return 0, &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("read", syscall.ECONNREFUSED)}
	}
	return c.Conn.Read(b)
}

// servePackets answers one question and then waits for the end.
func servePackets(c net.Conn, how string, after time.Duration) {
	b := make([]byte, dnswire.UDPSize)
	n, err := c.Read(b)
	if err != nil {
		return
	}
	query := b[:n]
	switch how {
	case "forged", "strange":
		c.Write(replyTo(query, how))
		time.Sleep(after)
		c.Write(replyTo(query, "answer"))
	case "spray":
		for err == nil {
			_, err = c.Write(replyTo(query, "forged"))
		}
	case "drop", "refuse":
	default:
		time.Sleep(after)
		c.Write(replyTo(query, how))
	}
	io.Copy(io.Discard, c)
}

func serveStream(c net.Conn, how string, after time.Duration) {
	var length [2]byte
	if _, err := io.ReadFull(c, length[:]); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return
	}
	time.Sleep(after)
	switch how {
	case "drop":
	case "close":
		return
	case "half":
		reply := framed(replyTo(query, "answer"))
		c.Write(reply[:len(reply)/2])
		return
	case "dribble":
		reply := framed(replyTo(query, "answer"))
		for i := range reply {
			if _, err := c.Write(reply[i : i+1]); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	default:
		c.Write(framed(replyTo(query, how)))
	}
	io.Copy(io.Discard, c)
}

func framed(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
}

// replyTo is what a server says in one of the ways that [TestScenarios] lists.
func replyTo(query []byte, how string) []byte {
	var q, m miekg.Msg
	if err := q.Unpack(query); err != nil {
		panic(err) // the client's message
	}
	m.SetReply(&q)
	switch how {
	case "answer", "forged", "malformed":
		m.Answer = append(m.Answer, &miekg.A{
			Hdr: miekg.RR_Header{Name: q.Question[0].Name, Rrtype: miekg.TypeA, Class: miekg.ClassINET, Ttl: 60},
			A:   net.IPv4(192, 0, 2, 99),
		})
	case "nxdomain":
		m.Rcode = miekg.RcodeNameError
	case "servfail":
		m.Rcode = miekg.RcodeServerFailure
	case "refused":
		m.Rcode = miekg.RcodeRefused
	case "truncated":
		m.Truncated = true
	case "strange":
		m.Question[0].Name = "other.test."
	case "empty":
	default:
		panic("no behaviour " + how)
	}
	if how == "forged" {
		m.Id ^= 1
	}
	b, err := m.Pack()
	if err != nil {
		panic(err) // of what is above
	}
	if how == "malformed" {
		b = slices.Clip(b[:len(b)-2])
	}
	return b
}

func maybe(t *testing.T, d *datadriven.TestData, key string, v any) {
	if d.HasArg(key) {
		d.ScanArgs(t, key, v)
	}
}

// duration is that of an argument; 0 without it.
func duration(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	s := "0"
	maybe(t, d, key, &s)
	return parsed(t, d, s)
}

func parsed(t *testing.T, d *datadriven.TestData, s string) time.Duration {
	v, err := time.ParseDuration(s)
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return v
}
