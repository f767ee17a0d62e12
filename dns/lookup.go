package dns

import (
	"net/netip"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A Lookup is a name on its way to becoming addresses. It belongs to the goroutine
// that started it, which asks for what is known, waits, and closes it:
//
//	l := r.Start(ctx, "example.com", dns.Options{})
//	defer l.Close()
//	for {
//		res, done, err := l.Poll()
//		…
//		select {
//		case <-l.Changed():
//		case <-ctx.Done():
//		}
//	}
type Lookup struct {
	r     *Resolver
	host  string
	plain bool   // for a scheme that HTTPS records speak against
	port  uint16 // that a rule put in place of the caller's; 0: none did
	log   netlog.Source

	job     *job            // whom to ask; nil once over
	changed <-chan struct{} // of job, as it was at the last Poll

	over bool
	res  Result
	err  error
}

// Poll returns what is known so far and whether that is all. Addresses only come
// up to done; err is nil before. An error goes without addresses, also those seen
// before.
func (l *Lookup) Poll() (res Result, done bool, err error) {
	if l.job != nil {
		res, done, l.changed, err = l.job.state()
		if !done && !(l.plain && len(res.Services) > 0) {
			if l.plain && !res.ServicesKnown {
				res = Result{} // they may be no good
			}
			res.Port = l.port
			return res, false, nil
		}
		l.leave()
		l.finish(res, unresolved(err))
	}
	return l.res, l.over, l.err
}

// Changed returns a channel that is closed once Poll has something new to tell,
// compared with the last Poll. After the last news it is nil.
func (l *Lookup) Changed() <-chan struct{} {
	if l.job == nil {
		return nil
	}
	if l.changed == nil {
		_, _, l.changed, _ = l.job.state()
	}
	return l.changed
}

// Close ends the caller's interest. A lookup that nobody else waits for is
// abandoned. It is fine to close twice, or after the end.
func (l *Lookup) Close() {
	if j := l.job; j != nil {
		l.detached(j)
		l.leave()
		l.log.Event(netlog.Cancelled)
		l.finish(Result{}, neterr.Aborted)
	}
}

// answer is for what is known locally: two addresses in the order to return them,
// either perhaps invalid.
func (l *Lookup) answer(source string, q QueryType, first, second netip.Addr) {
	known := make([]netip.Addr, 0, 2)
	for _, a := range [...]netip.Addr{first, second} {
		if a.IsValid() && q.allows(familyOf(a)) {
			known = append(known, a)
		}
	}
	if len(known) == 0 {
		l.finish(Result{}, neterr.NameNotResolved)
		return
	}
	l.finish(Result{Addrs: known, Source: source}, nil)
}

func (l *Lookup) finish(res Result, err error) {
	l.over, l.res = true, res
	l.res.Port = l.port
	if err == nil && l.plain && len(res.Services) > 0 {
		err = neterr.DNSNameHTTPSOnly
	}
	if err != nil {
		l.res, l.err = Result{}, failure(l.host, err)
	}
	l.log.EndErr(netlog.HostResolverManagerRequest, err)
}

func (l *Lookup) leave() {
	l.r.leave(l.job)
	l.job, l.changed = nil, nil
}
