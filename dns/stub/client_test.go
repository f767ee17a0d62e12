package stub_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/stub"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

var question = dnswire.Question{Name: "h.test", Type: dnswire.A}

func TestOverSockets(t *testing.T) {
	nettest.CheckGoroutines(t)
	for _, c := range []struct {
		name   string
		handle func(over string, query []byte) [][]byte
		want   int      // addresses
		err    error    // or this
		over   []string // what was asked over
	}{
		{
			name:   "an answer",
			handle: func(_ string, q []byte) [][]byte { return [][]byte{big(q, 1)} },
			want:   1, over: []string{"udp"},
		},
		{
			name:   "as long as UDP takes",
			handle: func(_ string, q []byte) [][]byte { return [][]byte{big(q, 254)} },
			want:   254, over: []string{"udp"},
		},
		{
			name:   "longer than the client said",
			handle: func(_ string, q []byte) [][]byte { return [][]byte{big(q, 300)} },
			err:    neterr.DNSMalformedResponse, over: []string{"udp", "udp"},
		},
		{
			name: "cut short",
			handle: func(over string, q []byte) [][]byte {
				if over == "udp" {
					return [][]byte{replyTo(q, "truncated")}
				}
				return [][]byte{big(q, 4000)}
			},
			want: 4000, over: []string{"udp", "tcp"},
		},
		{
			name: "forged answers before the true one",
			handle: func(_ string, q []byte) [][]byte {
				echo := slices.Clone(q)
				return [][]byte{replyTo(q, "forged"), replyTo(q, "strange"), echo, big(q, 2)}
			},
			want: 2, over: []string{"udp"},
		},
		{
			name: "a compression loop",
			handle: func(_ string, q []byte) [][]byte {
				b := replyTo(q, "answer")
				binary.BigEndian.PutUint16(b[24:], 0xc000|24) // the record's name
				return [][]byte{b}
			},
			err: neterr.DNSMalformedResponse, over: []string{"udp", "udp"},
		},
		{
			name:   "noise",
			handle: func(string, []byte) [][]byte { return [][]byte{{}, []byte("x")} },
			err:    neterr.DNSMalformedResponse, over: []string{"udp", "udp"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t, c.handle)
			a, err := stub.New(stub.Config{Servers: []netip.AddrPort{s.addr}}).Query(t.Context(), question, stub.Options{})
			if c.err != nil {
				if !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
			} else if err != nil || len(a.Addrs) != c.want {
				t.Errorf("got %+v, %v, want %d addresses", a, err, c.want)
			}
			if over := s.wasAsked(); !slices.Equal(over, c.over) {
				t.Errorf("was asked over %v, want %v", over, c.over)
			}
		})
	}
}

// TestNobodyListens: the kernel says so, and the next server is asked at once.
func TestNobodyListens(t *testing.T) {
	nettest.CheckGoroutines(t)
	gone := newServer(t, nil)
	gone.udp.Close()
	there := newServer(t, func(_ string, q []byte) [][]byte { return [][]byte{big(q, 1)} })
	start := time.Now()
	c := stub.New(stub.Config{Servers: []netip.AddrPort{gone.addr, there.addr}, Timeout: 5 * time.Second})
	if _, err := c.Query(t.Context(), question, stub.Options{}); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("took %v, want no waiting", took)
	}
	c = stub.New(stub.Config{Servers: []netip.AddrPort{gone.addr}})
	_, err := c.Query(t.Context(), question, stub.Options{})
	if !errors.Is(err, neterr.ConnectionRefused) || !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), gone.addr.String()) {
		t.Errorf("got %v, want %v of %v", err, neterr.ConnectionRefused, gone.addr)
	}
}

// TestGuessing: ids and ports differ from question to question.
func TestGuessing(t *testing.T) {
	const questions = 20
	ids := make(chan uint16, 2*questions) // each may be asked twice
	s := newServer(t, func(_ string, q []byte) [][]byte {
		var m miekg.Msg
		if err := m.Unpack(q); err != nil || m.IsEdns0() == nil || m.IsEdns0().UDPSize() != dnswire.UDPSize {
			t.Errorf("got %v, %v, want a question with EDNS", m, err)
		}
		ids <- m.Id
		return [][]byte{big(q, 1)}
	})
	c := stub.New(stub.Config{Servers: []netip.AddrPort{s.addr}})
	for range questions {
		if _, err := c.Query(t.Context(), question, stub.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	different := map[uint16]bool{}
	for range questions {
		different[<-ids] = true
	}
	// That two of so many are the same has a chance of 1 in 345; more, of none.
	if got := len(different); got < questions-1 {
		t.Errorf("got %d ids for %d questions", got, questions)
	}
}

func TestGivingUp(t *testing.T) {
	nettest.CheckGoroutines(t)
	asked := make(chan string, 4)
	s := newServer(t, func(over string, q []byte) [][]byte {
		asked <- over
		return nil
	})
	for _, tcp := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-asked; cancel() }()
		c := stub.New(stub.Config{Servers: []netip.AddrPort{s.addr}, UseTCP: tcp, Timeout: 5 * time.Second})
		_, err := c.Query(ctx, question, stub.Options{})
		if !errors.Is(err, context.Canceled) || !errors.Is(err, neterr.Aborted) {
			t.Errorf("tcp %v: got %v, want %v", tcp, err, neterr.Aborted)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	c := stub.New(stub.Config{Servers: []netip.AddrPort{s.addr}})
	if _, err := c.Query(ctx, question, stub.Options{}); !errors.Is(err, neterr.TimedOut) {
		t.Errorf("a deadline: got %v, want %v", err, neterr.TimedOut)
	}
}

func TestNothingToAsk(t *testing.T) {
	s := newServer(t, func(string, []byte) [][]byte {
		t.Error("was asked")
		return nil
	})
	for _, c := range []struct {
		name    string
		servers []netip.AddrPort
		host    string
	}{
		{"no servers", nil, "h.test"},
		{"an empty label", []netip.AddrPort{s.addr}, "a..test"},
		{"a long label", []netip.AddrPort{s.addr}, strings.Repeat("x", 64) + ".test"},
		{"a long name", []netip.AddrPort{s.addr}, strings.Repeat("x.", 130) + "test"},
	} {
		_, err := stub.New(stub.Config{Servers: c.servers}).Query(t.Context(), dnswire.Question{Name: c.host, Type: dnswire.A}, stub.Options{})
		if !errors.Is(err, neterr.NameNotResolved) {
			t.Errorf("%s: got %v, want %v", c.name, err, neterr.NameNotResolved)
		}
	}
	// The longest name there is fits into a question.
	var long string
	ok := newServer(t, func(_ string, q []byte) [][]byte { return [][]byte{big(q, 1)} })
	for long = "test"; len(long)+2 <= 253; {
		long = "x." + long
	}
	a, err := stub.New(stub.Config{Servers: []netip.AddrPort{ok.addr}}).Query(t.Context(), dnswire.Question{Name: long, Type: dnswire.A}, stub.Options{})
	if err != nil || len(a.Addrs) != 1 {
		t.Errorf("%d bytes of name: got %+v, %v", len(long), a, err)
	}
}

func TestNetLog(t *testing.T) {
	s := newServer(t, func(over string, q []byte) [][]byte {
		if over == "udp" {
			return [][]byte{replyTo(q, "truncated")}
		}
		return [][]byte{big(q, 3)}
	})
	var log netlog.Log
	var file bytes.Buffer
	if err := log.Start(&file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	c := stub.New(stub.Config{Servers: []netip.AddrPort{s.addr}})
	if _, err := c.Query(t.Context(), question, stub.Options{NetLog: log.Source(netlog.SourceNone)}); err != nil {
		t.Error(err)
	}
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		got = append(got, e.Source+" "+e.String())
		if e.Source == "DNS_TRANSACTION" && e.String() == "+DNS_TRANSACTION" && e.Params["hostname"] != "h.test" {
			t.Errorf("got host name %v", e.Params["hostname"])
		}
	}
	want := []string{
		"NONE DNS_TRANSACTION",
		"DNS_TRANSACTION +DNS_TRANSACTION",
		"DNS_TRANSACTION +DNS_TRANSACTION_QUERY",
		"DNS_TRANSACTION DNS_TRANSACTION_ATTEMPT",
		"UDP_SOCKET +SOCKET_ALIVE",
		"UDP_SOCKET UDP_BYTES_SENT",
		"UDP_SOCKET UDP_BYTES_RECEIVED",
		"UDP_SOCKET -SOCKET_ALIVE",
		"DNS_TRANSACTION DNS_TRANSACTION_RESPONSE",
		"DNS_TRANSACTION DNS_TRANSACTION_TCP_ATTEMPT",
		"SOCKET +SOCKET_ALIVE",
		"SOCKET SOCKET_BYTES_SENT",
		"SOCKET SOCKET_BYTES_RECEIVED",
		"SOCKET -SOCKET_ALIVE",
		"DNS_TRANSACTION DNS_TRANSACTION_RESPONSE",
		"DNS_TRANSACTION -DNS_TRANSACTION_QUERY",
		"DNS_TRANSACTION -DNS_TRANSACTION",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
