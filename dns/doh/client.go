package doh

import (
	"context"
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// Config is how to ask. The zero value of each field is the usual case.
type Config struct {
	// Servers are asked in this order. Without any no question is answered.
	Servers []Server

	// HTTP sends the requests. It should keep a cookie store, a cache and proxies out
	// of the way and follow no redirects; nil is http.DefaultTransport. Requests for
	// Kaon's own transport carry [exchange.Options] that keep them from resolving
	// their server's name over DoH.
	HTTP http.RoundTripper

	// Automatic is for a caller that can resolve names otherwise: a server is asked
	// while it is known to answer, and given up early.
	Automatic bool

	// Fallback is how long a server that nothing is known of has before the next one
	// is asked as well; 0 is 1 s. What was learnt of a server replaces it, within 10 ms
	// and 5 s.
	Fallback time.Duration

	// Timeout is how long a question may take in all; 0 is 12 s.
	Timeout time.Duration

	Log *netlog.Log // where probes are recorded; nil is nowhere
}

// Chromium's defaults.
const (
	defaultFallback = time.Second
	defaultTimeout  = 12 * time.Second
)

// A Client asks servers and remembers how they fared. It may be used by several
// goroutines.
type Client struct {
	servers   []Server
	http      exchange.RoundTripper
	automatic bool
	fallback  time.Duration
	timeout   time.Duration
	log       *netlog.Log
	key       origin.Key // shared with nobody's requests

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup // questions, attempts and probes

	mu     sync.Mutex
	era    *era
	used   bool // somebody wants to know which servers answer
	closed bool
}

// New returns a client. It sends nothing until it is used.
func New(cfg Config) *Client {
	if cfg.HTTP == nil {
		cfg.HTTP = http.DefaultTransport
	}
	if cfg.Fallback <= 0 {
		cfg.Fallback = defaultFallback
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	c := &Client{
		http: exchange.From(cfg.HTTP), automatic: cfg.Automatic,
		fallback: cfg.Fallback, timeout: cfg.Timeout, log: cfg.Log,
		key: origin.NewNonceKey(origin.Site{}, origin.Site{}, rand.Text()),
	}
	for _, s := range cfg.Servers {
		if s.template != "" {
			c.servers = append(c.servers, s)
		}
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.era = newEra(c.ctx, len(c.servers), c.fallback)
	return c
}

// Available reports whether it makes sense to ask: in automatic mode, whether a server
// is known to answer, and otherwise, whether there is one. The first call in automatic
// mode finds none, but begins to look.
func (c *Client) Available() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.watch()
	for i := range c.era.servers {
		if !c.automatic || c.era.servers[i].available() {
			return true
		}
	}
	return false
}

// NetworkChanged forgets what is known of the servers. In automatic mode they are
// probed anew, if they were before.
func (c *Client) NetworkChanged() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	before := c.era
	c.era = newEra(c.ctx, len(c.servers), c.fallback)
	if c.used {
		c.watch()
	}
	c.mu.Unlock()
	before.cancel()
}

// Close ends questions and probes and waits until nothing of them is left. Questions
// after it fail with neterr.ContextShutDown.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.tasks.Wait()
}

// succeeded notes that server i answered.
func (c *Client) succeeded(e *era, i int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.servers[i].succeed()
}

// failed notes that server i did not answer as it should, or not soon enough.
func (c *Client) failed(e *era, i int) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	e.servers[i].fail(now)
	c.watch()
}

// took notes how long server i needed for an answer of whatever kind.
func (c *Client) took(e *era, i int, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.servers[i].times.Add(d)
}
