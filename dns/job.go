package dns

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// A jobKey tells which lookups are the same question.
type jobKey struct {
	name      string
	query     QueryType
	isolation origin.Key
}

// maxAddrs bounds what is kept of one family; a name has a handful, a forged answer
// may have thousands.
const maxAddrs = 256

// collision is the address by which a new top-level domain says that the name was
// meant for somebody's private network (ICANN, name collision framework).
var collision = netip.AddrFrom4([4]byte{127, 0, 53, 53})

// resolutionDelay is how long IPv4 addresses are kept back for IPv6 ones to come
// first (RFC 8305 section 3, and Chromium).
const resolutionDelay = 50 * time.Millisecond

// A job is one question to the system, shared by all lookups with the same key. It
// asks for each family by itself, so that whoever connects can begin with the one
// that is answered first. Resolver.mu guards it.
type job struct {
	r      *Resolver
	key    jobKey
	log    netlog.Source
	ctx    context.Context
	cancel context.CancelFunc

	members int
	waiting int             // families not asked yet or not answered
	addrs   [2][]netip.Addr // by family
	errs    [2]error
	held    bool // IPv4 is kept back
	done    bool
	err     error         // once done
	changed chan struct{} // closed at each change and, until done, replaced
}

// join makes l part of a job that asks the same, or of a new one.
func (r *Resolver) join(l *Lookup, name string, o *Options) {
	key := jobKey{name, o.QueryType, o.Isolation}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		l.finish(Result{}, neterr.ContextShutDown)
		return
	}
	j, found := r.jobs[key]
	run := false
	if !found {
		if len(r.queue) >= r.limit*queuedPerLookup && r.limit > 0 {
			r.mu.Unlock()
			l.finish(Result{}, neterr.HostResolverQueueTooLarge)
			return
		}
		j = r.newJob(key, l.log)
		r.jobs[key] = j
		if run = r.limit == 0 || r.running < r.limit; run {
			r.reserve(j)
		} else {
			r.queue = append(r.queue, j)
		}
	}
	j.members++
	r.mu.Unlock()

	l.job = j
	l.attached(found)
	if run {
		j.run()
	}
}

// leave takes one lookup out of a job, and abandons the job with the last of them.
func (r *Resolver) leave(j *job) {
	r.mu.Lock()
	neverRan := false
	if j.members--; j.members == 0 && !j.done {
		if i := slices.Index(r.queue, j); i >= 0 {
			r.queue = slices.Delete(r.queue, i, i+1)
			neverRan = true
		}
		j.finish(neterr.Aborted)
	}
	r.mu.Unlock()
	if neverRan {
		j.log.EndErr(netlog.HostResolverManagerJob, neterr.Aborted)
	}
}

func (r *Resolver) newJob(key jobKey, requester netlog.Source) *job {
	j := &job{r: r, key: key, changed: make(chan struct{}), log: requester.New(netlog.SourceHostResolverImplJob)}
	for f := range j.addrs {
		if key.query.allows(family(f)) {
			j.waiting++
		}
	}
	// Not of a caller's context: the others would go down with it, and a trace in
	// it would be told twice.
	j.ctx, j.cancel = context.WithCancel(context.Background())
	return j
}

// reserve takes a place for j among the running. With mu held.
func (r *Resolver) reserve(j *job) {
	r.running++
	r.lookups.Add(j.waiting)
}

// run asks the system. Its place is reserved.
func (j *job) run() {
	j.log.Event(netlog.HostResolverManagerJobStarted)
	j.log.Begin(netlog.HostResolverSystemTask)
	for f := range j.addrs {
		if j.key.query.allows(family(f)) {
			go j.ask(family(f))
		}
	}
}

func (j *job) ask(f family) {
	defer j.r.lookups.Done()
	network := "ip4"
	if f == v6 {
		network = "ip6"
	}
	addrs, err := j.r.system.LookupNetIP(j.ctx, network, j.key.name)
	if j.deliver(f, addrs, err) {
		j.hold()
	}
}

// deliver takes one family's answer and, after the last one, hands the place to
// the next job. It reports whether the answer is to be kept back for a while.
func (j *job) deliver(f family, addrs []netip.Addr, err error) (hold bool) {
	r := j.r
	r.mu.Lock()
	collided := j.add(f, addrs, err)
	j.waiting--
	last := j.waiting == 0
	var next *job
	if last {
		r.running--
		if len(r.queue) > 0 && !r.closed {
			next = r.queue[0]
			r.queue[0] = nil
			r.queue = r.queue[1:]
			r.reserve(next)
		}
	}
	switch {
	case collided:
		j.finish(neterr.ICANNNameCollision)
	case last:
		j.finish(j.verdict())
	case j.done:
	case f == v4 && len(j.addrs[v4]) > 0:
		j.held, hold = true, true
	default:
		j.tell()
	}
	result := j.err
	r.mu.Unlock()

	if last {
		j.log.EndErr(netlog.HostResolverSystemTask, result)
		j.log.EndErr(netlog.HostResolverManagerJob, result)
	}
	if next != nil {
		next.run()
	}
	return hold
}

// hold gives the IPv4 addresses out after the delay, unless the job ends before.
func (j *job) hold() {
	timer := time.NewTimer(resolutionDelay)
	defer timer.Stop()
	select {
	case <-j.ctx.Done():
	case <-timer.C:
		j.release()
		j.log.Event(netlog.HostResolverServiceEndpointsResolutionDelay)
	}
}

func (j *job) release() {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	if !j.done {
		j.held = false
		j.tell()
	}
}

// tell wakes who waits for a change. With mu held, and the job not done.
func (j *job) tell() {
	close(j.changed)
	j.changed = make(chan struct{})
}

// add keeps the addresses of family f and reports whether they show a collision.
func (j *job) add(f family, addrs []netip.Addr, err error) (collided bool) {
	j.errs[f] = err
	for _, a := range addrs {
		// Some resolvers answer a question for IPv6 with mapped IPv4 addresses,
		// which the other question yields plain.
		if a.Is4In6() && f == v4 {
			a = a.Unmap()
		}
		if a == collision {
			return true
		}
		if a.Is4In6() || familyOf(a) != f || len(j.addrs[f]) == maxAddrs || slices.Contains(j.addrs[f], a) {
			continue
		}
		j.addrs[f] = append(j.addrs[f], a)
	}
	return false
}

// verdict is the job's error after the last answer: nil with any address at all.
func (j *job) verdict() error {
	if len(j.addrs[v4])+len(j.addrs[v6]) > 0 {
		return nil
	}
	err := j.errs[v4]
	var none *net.AddrError // the system's resolver had addresses, of the other family
	if err == nil || errors.As(err, &none) {
		err = j.errs[v6]
	}
	return &neterr.Error{Code: neterr.NameNotResolved, Err: err}
}

// finish ends j with err, unless it has ended. With mu held.
func (j *job) finish(err error) {
	if j.done {
		return
	}
	j.done, j.err, j.held = true, err, false
	close(j.changed)
	j.cancel()
	if j.r.jobs[j.key] == j {
		delete(j.r.jobs, j.key)
	}
}

// state returns what is known, and the channel that tells of more.
func (j *job) state() (res Result, done bool, changed <-chan struct{}, err error) {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	if j.err != nil {
		return Result{}, true, j.changed, j.err
	}
	six, four := j.addrs[v6], j.addrs[v4]
	if j.held {
		four = nil
	}
	if n := len(six) + len(four); n > 0 {
		res.Source = "system"
		res.Addrs = append(append(make([]netip.Addr, 0, n), six...), four...)
	}
	return res, j.done, j.changed, nil
}
