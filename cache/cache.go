package cache

import (
	"context"
	"sync"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// Chromium's times.
const (
	lockLimit      = 20 * time.Second      // how long a request waits for another one's
	rangeLockLimit = 25 * time.Millisecond // and one for a range
	refreshLimit   = 60 * time.Second      // how long a refresh behind may take
)

// maxRefreshes is how many refreshes run behind at once. While there are so many, a stale
// response is validated before it is given out.
const maxRefreshes = 16

// Config configures a Transport.
type Config struct {
	Store store.Store           // what keeps the entries; Close of the Transport leaves it open. Required.
	Next  exchange.RoundTripper // asked for what the cache does not answer. Required.

	// SplitByCredentials keeps responses to requests that omit credentials apart from
	// the others, as Chromium can. By default they share, as in Chromium and Electron.
	SplitByCredentials bool
}

// A Transport answers requests out of a store, and asks another RoundTripper for the rest.
// Any number of goroutines may use it.
type Transport struct {
	store store.Store
	next  exchange.RoundTripper
	split bool

	active   *table
	variants *turnstile
	passed   passMemory

	ctx    context.Context // of what runs behind
	cancel context.CancelFunc

	mu        sync.Mutex // guards what follows
	closed    bool
	refreshes int
	reads     *transfer // the last of those whose network is being read
	behind    sync.WaitGroup
}

var _ exchange.RoundTripper = (*Transport)(nil)

// New returns a Transport around cfg.Next. Who is done with it closes it.
func New(cfg Config) *Transport {
	t := &Transport{store: cfg.Store, next: cfg.Next, split: cfg.SplitByCredentials, active: newTable(), variants: newTurnstile()}
	t.passed.init()
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// RoundTrip answers one request: from the store, from the network, or by both.
//
// The response's Info.Cache says how. Its Header is the caller's to change. What comes out
// of the store without the origin's word has an Age field, as RFC 9111 section 5.1 has it
// and Chromium does not. Its Body is an io.WriterTo if the store lends what it has: then
// io.Copy copies nothing.
//
// A response that was not all read is stored as far as it came, if it can be resumed. Its
// Body has to be closed: until then others may wait for it.
func (t *Transport) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	var p plan
	p.read(req)
	if src := req.NetLog; src.On() {
		logRequest(src, req)
	}
	if t.passed.any.Load() && p.isPlain() {
		if hash := t.hashOf(req); t.passed.has(hash) {
			return t.pass(ctx, req, &p, hash)
		}
	}
	c := call{asker: asker{t: t, ctx: ctx, req: req, header: req.Header, noStore: p.noStore}, plan: p}
	if p.past != "" {
		return c.around()
	}
	key := keyOf(req, p.method, t.split)
	c.key = &key
	c.hash = t.active.hash(c.key.URL)
	return c.answer()
}

// CloseIdleConnections passes the wish on to Next.
func (t *Transport) CloseIdleConnections() {
	if n, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		n.CloseIdleConnections()
	}
}

// Clear deletes the entries for which match is true, all of them if it is nil. Responses
// that are being read can be read on, but are not stored, and no later request finds
// them. Of entries that are in the making, match sees nothing but the Key.
func (t *Transport) Clear(ctx context.Context, match func(*store.Info) bool) error {
	t.active.doom(func(key *store.Key) bool { return match == nil || match(&store.Info{Key: *key}) })
	return t.store.Clear(ctx, match)
}

// Close ends the refreshes that run behind, and the transfers that wait for the network,
// and waits for them. What came of those is stored if it can be resumed. The store stays
// open.
func (t *Transport) Close() error {
	t.mu.Lock()
	t.closed = true
	var reading []*transfer
	for tr := t.reads; tr != nil; tr = tr.earlier {
		reading = append(reading, tr)
	}
	t.mu.Unlock()
	t.cancel()
	for _, tr := range reading {
		tr.cancel(neterr.ContextShutDown)
	}
	t.behind.Wait()
	return nil
}

// readBehind reads a transfer's network on a goroutine that Close waits for. Once the
// Transport is closed it does not, and returns false.
func (t *Transport) readBehind(tr *transfer) bool {
	if !t.beginRead(tr) {
		return false
	}
	go func() {
		defer t.endRead(tr)
		tr.nextBehind()
	}()
	return true
}

// beginRead has Close end what tr reads, and wait until endRead. Once the Transport is
// closed it does not, and returns false.
func (t *Transport) beginRead(tr *transfer) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	if tr.earlier = t.reads; tr.earlier != nil {
		tr.earlier.later = tr
	}
	t.reads = tr
	t.behind.Add(1)
	return true
}

func (t *Transport) endRead(tr *transfer) {
	t.mu.Lock()
	if tr.earlier != nil {
		tr.earlier.later = tr.later
	}
	if tr.later != nil {
		tr.later.earlier = tr.earlier
	} else {
		t.reads = tr.earlier
	}
	tr.earlier, tr.later = nil, nil
	t.mu.Unlock()
	t.behind.Done()
}

// takeRefresh allows one more refresh, which giveRefresh ends. It does not once the
// Transport is closed, nor while too many run.
func (t *Transport) takeRefresh() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.refreshes == maxRefreshes {
		return false
	}
	t.refreshes++
	t.behind.Add(1)
	return true
}

func (t *Transport) giveRefresh() {
	t.mu.Lock()
	t.refreshes--
	t.mu.Unlock()
	t.behind.Done()
}
