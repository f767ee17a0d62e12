package doh

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// Query asks q. That a name does not exist is no error, but an answer.
//
// Errors carry a code. neterr.DNSTimedOut: no server answered in time.
// neterr.BlockedByClient: there is no server to ask, in automatic mode none that is
// known to answer. neterr.DNSSecureResolverHostnameResolutionFailed: a server's own
// name could not be resolved. neterr.DNSMalformedResponse: what came back is no
// response of a DoH server (another status than 200, a web page) or no answer to the
// question. neterr.DNSServerFailure and those like it: a server said that it failed.
// Others are those of the connection, such as of its certificate. With several servers
// it is the error of the last one.
//
// log is the DNS_TRANSACTION that the question belongs to, which begins and ends it.
func (c *Client) Query(ctx context.Context, q dnswire.Question, log netlog.Source) (*dnswire.Answer, error) {
	log.Begin(netlog.DNSTransactionQuery, netlog.String("qname", q.Name))
	answer, err := c.query(ctx, q, log)
	logged := err
	if err == nil && answer.NameError {
		logged = neterr.NameNotResolved
	}
	log.EndErr(netlog.DNSTransactionQuery, logged)
	return answer, err
}

func (c *Client) query(ctx context.Context, q dnswire.Question, log netlog.Source) (*dnswire.Answer, error) {
	msg, err := dnswire.AppendQuery(nil, q, dnswire.QueryOptions{Pad: true})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(c.ctx, func() { cancel(neterr.ContextShutDown) })
	defer stop()

	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, neterr.ContextShutDown
	}
	c.watch()
	t := &transaction{c: c, era: c.era, q: q, msg: msg, log: log}
	c.tasks.Add(1) // of its own: while it runs, it may add attempts
	c.mu.Unlock()
	defer c.tasks.Done()
	t.tried = make([]bool, len(c.servers))
	t.results = make(chan result, len(c.servers))
	return t.run(ctx)
}

// A transaction is one question on its way through the servers. Attempts that took too
// long stay under way beside later ones, and the first answer wins.
type transaction struct {
	c   *Client
	era *era
	q   dnswire.Question
	msg []byte
	log netlog.Source

	tried   []bool      // by server
	newest  int         // the server whose failure makes it the next one's turn; -1 is none
	pending int         // attempts
	results chan result // has room for each server's
}

func (t *transaction) run(ctx context.Context) (*dnswire.Answer, error) {
	timeout := time.NewTimer(t.c.timeout)
	defer timeout.Stop()
	period, ok := t.askNext(ctx)
	if !ok {
		return nil, neterr.BlockedByClient
	}
	fallback := time.NewTimer(period)
	defer fallback.Stop()
	for {
		var err error
		isNewest := true
		select {
		case r := <-t.results:
			if ctx.Err() != nil {
				return nil, neterr.FromContext(ctx) // it says nothing of the server
			}
			t.pending--
			t.note(r)
			if r.err == nil {
				return r.answer, nil
			}
			err, isNewest = r.err, r.server == t.newest
		case <-fallback.C:
			err = neterr.DNSTimedOut
		case <-timeout.C:
			return nil, neterr.DNSTimedOut
		case <-ctx.Done():
			return nil, neterr.FromContext(ctx)
		}
		if isNewest {
			t.c.failed(t.era, t.newest)
			if period, ok = t.askNext(ctx); ok {
				fallback.Reset(period)
			} else {
				fallback.Stop()
			}
		}
		// Nobody is left to wait for, or the caller has a better way than to wait.
		if t.pending == 0 || isNewest && !ok && t.c.automatic {
			return nil, err
		}
	}
}

// askNext sends the question to one more server, if there is one, and returns how long
// to wait for it alone.
func (t *transaction) askNext(ctx context.Context) (period time.Duration, ok bool) {
	t.newest = -1
	c := t.c
	c.mu.Lock()
	i := t.era.next(t.tried, c.automatic)
	if i < 0 {
		c.mu.Unlock()
		return 0, false
	}
	h := &t.era.servers[i]
	period = h.times.Fallback(0)
	isFirst := h.first == nil
	if isFirst {
		h.first = make(chan struct{})
	}
	first := h.first
	c.mu.Unlock()

	t.newest, t.tried[i] = i, true
	t.pending++
	log := t.log.New(netlog.SourceDNSOverHTTPS)
	begin(log, t.q.Name, t.q.Type)
	log.Event(netlog.DNSTransactionHTTPSAttempt, netlog.Dependency(t.log))
	t.log.Event(netlog.DNSTransactionHTTPSAttempt, netlog.Dependency(log))
	c.tasks.Go(func() {
		if !isFirst {
			await(ctx, first, period)
		}
		r := c.ask(ctx, i, t.q, t.msg, log)
		if isFirst {
			close(first)
		}
		t.results <- r
	})
	return period, true
}

// await lets the first question to a server end before others follow, unless it takes
// too long. Of a server that is not known to speak HTTP/2 yet, a transport wants a
// connection for each of them, as Chromium does for up to six.
func await(ctx context.Context, first <-chan struct{}, patience time.Duration) {
	select {
	case <-first:
		return
	default:
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-first:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// note keeps and logs what a result says of its server, but for a failure, which counts
// only once.
func (t *transaction) note(r result) {
	if r.took >= 0 {
		t.c.took(t.era, r.server, r.took)
	}
	if r.err == nil {
		t.c.succeeded(t.era, r.server)
	}
	if t.log.On() && len(r.msg) >= headerSize {
		t.log.Event(netlog.DNSTransactionResponse,
			netlog.Int("rcode", r.msg[3]&0xf),
			netlog.Int("answer_count", binary.BigEndian.Uint16(r.msg[6:])),
			netlog.Int("additional_answer_count", binary.BigEndian.Uint16(r.msg[10:])),
			netlog.Dependency(r.log),
			netlog.Binary("response_buffer", r.msg).Only(netlog.Everything))
	}
}

const headerSize = 12
