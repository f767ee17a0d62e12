package dns

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// A jobKey tells which lookups are the same question to the same ones.
type jobKey struct {
	name      string
	service   string // of HTTPS records; empty: they are not asked for
	query     QueryType
	source    Source
	plan      plan
	isolation origin.Key
}

// A plan is the steps that need somebody else, in order; the rest is stepCache.
type plan [4]step

func (p *plan) steps() []step {
	n := 0
	for n < len(p) && p[n] != stepCache {
		n++
	}
	return p[:n]
}

// lookupTimeout bounds a name's way through its plan, whoever is silent. Chromium has
// bounds of single questions only, which add up to more.
const lookupTimeout = 10 * time.Second

// A job is one question, shared by all lookups with the same key. A goroutine takes
// it through its plan. Resolver.mu guards what follows denials.
type job struct {
	r      *Resolver
	key    jobKey
	log    netlog.Source
	ctx    context.Context
	cancel context.CancelFunc

	denials []denial // of the goroutine

	members int
	turn    chan struct{} // closed when there is a place; nil without waiting for one
	placed  bool

	found   found
	held    bool // IPv4 is kept back
	done    bool
	err     error         // once done
	changed chan struct{} // closed at each change and, until done, replaced
}

// A denial is that a step knows no address, and for how long that holds.
type denial struct {
	by  step
	ttl time.Duration
}

// found is what a step came up with so far.
type found struct {
	addrs     [2][]netip.Addr // by family
	all       []netip.Addr    // both, in the order to try them; once the step is over
	services  []dnswire.Service
	canonical string
	source    string
	expires   time.Time
	cached    bool
	complete  bool // no more services will come
}

// join makes l part of a job that asks the same, or of a new one.
func (r *Resolver) join(l *Lookup, key *jobKey) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		l.finish(Result{}, neterr.ContextShutDown)
		return
	}
	j, shared := r.jobs[*key]
	if !shared {
		j = r.newJob(key, l.log)
		if key.plan[0] != stepSecureDNS && !r.place(j) {
			r.mu.Unlock()
			j.cancel()
			l.finish(Result{}, neterr.HostResolverQueueTooLarge)
			return
		}
		r.jobs[*key] = j
		r.lookups.Add(1)
	}
	j.members++
	r.mu.Unlock()

	l.job = j
	l.attached(shared)
	if !shared {
		go j.run()
	}
}

// leave takes one lookup out of a job, and abandons the job with the last of them.
func (r *Resolver) leave(j *job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.members--; j.members == 0 {
		j.finish(neterr.Aborted)
	}
}

func (r *Resolver) newJob(key *jobKey, requester netlog.Source) *job {
	j := &job{r: r, key: *key, changed: make(chan struct{}), log: requester.New(netlog.SourceHostResolverImplJob)}
	// Not of a caller's context: the others would go down with it, and a trace in
	// it would be told twice.
	j.ctx, j.cancel = context.WithCancel(context.Background())
	return j
}

// place takes a place among the running for j, or one in the queue. It reports whether
// there was one. With mu held.
func (r *Resolver) place(j *job) bool {
	switch {
	case r.limit == 0:
		return true
	case r.running < r.limit:
		r.running++
		j.placed = true
		return true
	case len(r.queue) < r.limit*queuedPerLookup:
		j.turn = make(chan struct{})
		r.queue = append(r.queue, j)
		return true
	}
	return false
}

// free gives j's place to the next job. With mu held.
func (r *Resolver) free(j *job) {
	if i := slices.Index(r.queue, j); i >= 0 {
		r.queue = slices.Delete(r.queue, i, i+1)
	}
	if !j.placed {
		return
	}
	j.placed = false
	if len(r.queue) == 0 {
		r.running--
		return
	}
	next := r.queue[0]
	r.queue = slices.Delete(r.queue, 0, 1)
	next.placed = true
	close(next.turn)
}

// wait lets j have a place among those who ask in the clear.
func (j *job) wait(ctx context.Context) error {
	r := j.r
	r.mu.Lock()
	switch {
	case j.done:
		r.mu.Unlock()
		return neterr.Aborted
	case !j.placed && j.turn == nil && !r.place(j):
		r.mu.Unlock()
		return neterr.HostResolverQueueTooLarge
	}
	turn := j.turn
	r.mu.Unlock()
	if turn == nil {
		return nil
	}
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		return neterr.FromContext(ctx)
	}
}

// run takes the job through its plan. The first step that knows the name ends it.
func (j *job) run() {
	defer j.r.lookups.Done()
	err := j.follow()
	j.r.mu.Lock()
	j.finish(err)
	err = j.err // somebody may have been faster
	j.r.free(j)
	j.r.mu.Unlock()
	j.log.EndErr(netlog.HostResolverManagerJob, err)
}

func (j *job) follow() (err error) {
	ctx := j.ctx
	for i, s := range j.key.plan.steps() {
		if s != stepSecureDNS {
			if err := j.wait(ctx); err != nil {
				return err
			}
		}
		if i == 0 {
			// Not before: to wait for others' questions is not the servers' fault.
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeoutCause(ctx, lookupTimeout, neterr.DNSTimedOut)
			defer cancel()
			j.log.Event(netlog.HostResolverManagerJobStarted)
		}
		var again bool
		if err, again = j.take(ctx, s); !again {
			return err
		}
		j.forget()
	}
	// Nobody knew better: what each of them denied is worth remembering.
	for _, d := range j.denials {
		j.r.remember(&j.key, d.by, &found{}, neterr.NameNotResolved, d.ttl)
	}
	return err
}

// forget drops what a failed step found.
func (j *job) forget() {
	j.r.mu.Lock()
	defer j.r.mu.Unlock()
	j.found, j.held = found{}, false
}

// tell wakes who waits for a change. With mu held, and the job not done.
func (j *job) tell() {
	close(j.changed)
	j.changed = make(chan struct{})
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
	f := &j.found
	if j.done {
		return Result{
			Addrs: slices.Clone(f.all), Services: f.services, CanonicalName: f.canonical,
			Source: f.source, Cached: f.cached, Expires: f.expires, ServicesKnown: true,
		}, true, j.changed, nil
	}
	six, four := f.addrs[v6], f.addrs[v4]
	if j.held {
		four = nil
	}
	if len(six)+len(four) > 0 {
		res.Source = f.source
		res.Addrs = slices.Concat(six, four)
	}
	res.Services, res.ServicesKnown = f.services, f.complete
	return res, false, j.changed, nil
}
