package mdns

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// DefaultTimeout is how long Chromium waits for neighbours.
const DefaultTimeout = 3 * time.Second

// A Client asks the neighbours. The zero Client is ready for use, by several goroutines
// at once.
type Client struct {
	// Interfaces are where to ask. Nil is all that are up and take multicast but
	// loopback ones, as they are at each query.
	Interfaces []net.Interface

	// Timeout is how long to wait for an answer; 0 is DefaultTimeout.
	Timeout time.Duration
}

var (
	errType    = errors.New("mdns does not ask for records of this type")
	errNoLinks = errors.New("no interface to ask on")
)

// Query asks for A, AAAA, PTR, TXT or SRV records of q.Name, which may be any name that
// fits into a message, and returns the first answer. Link-local addresses in it have the
// zone that it came from. An empty Answer says that the name exists, but has no such
// record.
//
// It fails with neterr.NameNotResolved, because of neterr.DNSTimedOut if nobody
// answered. It returns when everything it began has ended.
func (c *Client) Query(ctx context.Context, q dnswire.Question, log netlog.Source) (*dnswire.Answer, error) {
	log = begin(log, q)
	answer, err := c.query(ctx, q, log)
	end(log, err)
	return answer, err
}

func (c *Client) query(ctx context.Context, q dnswire.Question, log netlog.Source) (*dnswire.Answer, error) {
	switch q.Type {
	case dnswire.A, dnswire.AAAA, dnswire.PTR, dnswire.TXT, dnswire.SRV:
	default:
		return nil, fail(q, errType)
	}
	msg, err := dnswire.AppendQuery(nil, q, dnswire.QueryOptions{Multicast: true})
	if err != nil {
		return nil, err
	}
	links, err := c.links()
	if err != nil {
		return nil, fail(q, err)
	}
	timeout := c.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	var listening sync.WaitGroup
	defer listening.Wait()
	answers := make(chan *dnswire.Answer, len(families))
	failure, open := errNoLinks, false
	for i := range families {
		s, err := families[i].ask(links, msg, log)
		if err != nil {
			failure = err
		}
		if s == nil {
			continue
		}
		open = true
		defer s.close()
		listening.Go(func() {
			if a := s.listen(q, links); a != nil {
				answers <- a
			}
		})
	}
	if !open {
		return nil, fail(q, failure)
	}
	select {
	case a := <-answers:
		return a, nil
	case <-waiting.Done():
	}
	if ctx.Err() != nil {
		return nil, neterr.FromContext(ctx)
	}
	return nil, fail(q, neterr.DNSTimedOut)
}

// links are the interfaces to ask on.
func (c *Client) links() (links, error) {
	list := c.Interfaces
	if list == nil {
		all, err := net.Interfaces()
		if err != nil {
			return nil, err
		}
		const want = net.FlagUp | net.FlagMulticast
		list = slices.DeleteFunc(all, func(i net.Interface) bool { return i.Flags&(want|net.FlagLoopback) != want })
	}
	links := make(links, 0, len(list))
	for _, i := range list {
		if l, err := newLink(i); err == nil { // otherwise it has gone meanwhile
			links = append(links, l)
		}
	}
	return links, nil
}

func fail(q dnswire.Question, err error) error {
	return &neterr.Error{Code: neterr.NameNotResolved, Op: "mdns query", Addr: q.Name, Err: err}
}
