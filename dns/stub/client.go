package stub

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/rtt"
	"github.com/kaon-net/kaon/netlog"
)

// Chromium's numbers. See [Config].
const (
	defaultTimeout  = time.Second
	defaultAttempts = 2

	// queryTimeout bounds a query with all its attempts.
	queryTimeout = 12 * time.Second
)

// A Config says whom to ask, and how. Its defaults are Chromium's.
type Config struct {
	// Servers are asked in this order. There is at least one.
	Servers []netip.AddrPort

	// Timeout is how long to wait for a server before the next one is asked as well,
	// before anything was measured: 0 is 1 s, and the bounds are 10 ms and 5 s. It
	// doubles with each time that all servers were asked.
	Timeout time.Duration

	// Attempts is how often to ask each server for one name; 0 is 2.
	Attempts int

	// Rotate begins with another server each time.
	Rotate bool

	// UseTCP does not ask over UDP at all.
	UseTCP bool

	// Dial makes the connections, to addresses of Servers as text, over "udp" and "tcp";
	// nil is a net.Dialer. For "udp" it must return at once, with a connection that
	// keeps messages apart and, to have its port watched, a *net.UDPAddr of its own.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Client asks DNS servers and remembers how they answered. It may be used by several
// goroutines at once. It holds no sockets between queries and needs no end.
type Client struct {
	config Config
	names  []string // of the servers

	mu      sync.Mutex
	servers []health
	first   int // the server to begin with
	udp     tracker
}

// New returns a client. It copies cfg.
func New(cfg Config) *Client {
	cfg.Servers = slices.Clone(cfg.Servers)
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	cfg.Timeout = min(max(cfg.Timeout, rtt.Min), rtt.Max)
	if cfg.Attempts <= 0 {
		cfg.Attempts = defaultAttempts
	}
	c := &Client{config: cfg, servers: make([]health, len(cfg.Servers))}
	for i, s := range cfg.Servers {
		c.names = append(c.names, s.String())
		c.servers[i].times = rtt.New(cfg.Timeout)
	}
	return c
}

// Options say how to ask for one name.
type Options struct {
	// FastTimeout gives up as soon as the last attempt's period is over, for a caller
	// with another source to turn to. Otherwise it is waited for answers to the earlier
	// attempts, until 12 s after the beginning.
	FastTimeout bool

	NetLog netlog.Source // of the caller; the query has one of its own below it
}

// Query asks for one name: over UDP, and again over TCP for an answer that was cut
// short. It returns when everything it began has ended.
//
// That a name does not exist is an answer. An error carries the code for how the last
// server failed: one of neterr.DNSServerFailure and its like for what it said,
// neterr.DNSTimedOut for silence, neterr.DNSMalformedResponse for what cannot be read, or
// the socket's. A name that fits no message is neterr.NameNotResolved.
func (c *Client) Query(ctx context.Context, q dnswire.Question, o Options) (*dnswire.Answer, error) {
	t := &transaction{client: c, question: q, fast: o.FastTimeout, parent: ctx, start: time.Now()}
	t.begin(o.NetLog)
	answer, err := t.run()
	t.end(answer, err)
	return answer, err
}

// A turn is whom to ask next, and for how long to ask nobody else.
type turn struct {
	server int
	tcp    bool
	period time.Duration
}

// turn takes the next server that p yields.
func (c *Client) turn(p *picker) turn {
	c.mu.Lock()
	defer c.mu.Unlock()
	cycle := p.made / len(c.servers)
	i := p.pick(c.servers, c.config.Attempts)
	return turn{i, c.config.UseTCP || c.udp.low(time.Now()), c.servers[i].times.Fallback(cycle)}
}

// newPicker begins where the last query with Rotate ended.
func (c *Client) newPicker() picker {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := newPicker(len(c.servers), c.first)
	if c.config.Rotate {
		c.first = (c.first + 1) % len(c.servers)
	}
	return p
}

func (c *Client) answered(server int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[server].failures = 0
}

func (c *Client) failed(server int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[server].failures++
	c.servers[server].failed = time.Now()
}

func (c *Client) measured(server int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers[server].times.Add(took)
}

// asked notes the port and id of a question over UDP.
func (c *Client) asked(port, id uint16) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.udp.sent(port, id, time.Now())
}

// stray notes an answer over UDP with an id that was not asked with there, and reports
// whether UDP is to be given up.
func (c *Client) stray(id uint16) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.udp.stray(id, now)
	return c.udp.low(now)
}

// exhausted notes that there was no socket to be had, which somebody may have seen to.
func (c *Client) exhausted() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.udp.distrust(time.Now())
}
