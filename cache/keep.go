package cache

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// keep begins to store a response, if it may be.
func (c *call) keep(q *question, resp *exchange.Response) (*exchange.Response, error) {
	f := readFreshness(resp.Header)
	why := whyNot(&c.plan, resp, &f.directives)
	lasting := why != "" // the next one will be as this one is, most likely
	info := &resp.Info.Cache
	*info = exchange.CacheInfo{Forward: c.why}
	var tr *transfer
	var b *part
	if why == "" {
		if resp.Status == 206 {
			b, why = c.keepPart(q, resp, &f)
		} else {
			tr, why = c.keepWhole(q, resp, &f)
		}
	}
	if why != "" {
		info.Detail = why
		if c.outdates(resp.Status) {
			c.drop(q)
		}
	}
	switch {
	case why == "":
		if c.t.passed.any.Load() {
			c.t.passed.forget(c.t.hashOf(c.req))
		}
	case lasting && c.clean && q.was.entry == nil && c.plan.isPlain():
		c.t.passed.remember(c.t.hashOf(c.req))
	}
	q.was.close()
	switch {
	case tr != nil:
		info.Stored = true
		resp.Body = q.read(c)
	case b != nil:
		info.Stored = true
		resp.Body = b
	default:
		c.t.active.end(&q.own, alone)
		resp.Body = &passed{ReadCloser: resp.Body, q: q, ctx: c.ctx}
	}
	return resp, nil
}

// outdates reports whether a response that is not stored shows that what is stored is of
// the past. Errors and challenges do not.
func (a *asker) outdates(status int) bool {
	return status < 500 && status != 401 && status != 407 && status != 416 && status != 304 && status != 206 && !a.noStore
}

// newHead is a response as it is stored.
func (q *question) newHead(resp *exchange.Response, f *freshnessFields, vary exchange.Fields) *store.Head {
	h := &q.head
	*h = store.Head{
		Status: resp.Status, StatusText: resp.StatusText, Proto: resp.Proto, Header: storedHeader(q.fields[:0], resp.Header),
		Length: resp.ContentLength, RequestTime: q.sent, ResponseTime: q.received, Vary: vary, Remote: resp.Info.Remote,
	}
	h.Rules = f.rules(h)
	return h
}

// settleKey finds out under which key a response is stored.
func (c *call) settleKey(q *question, resp *exchange.Response) (key *store.Key, vary exchange.Fields, why string) {
	names, star := varyNames(resp.Header)
	if star {
		return nil, nil, "vary"
	}
	if len(names) == 0 && c.clean {
		return c.key, nil, ""
	}
	placed, vary, err := c.t.place(q.ctx, *c.key, names, c.header)
	if err != nil {
		return nil, nil, "store failed"
	}
	return &placed, vary, ""
}

// keepWhole creates an entry for a whole response and the transfer that fills it.
func (c *call) keepWhole(q *question, resp *exchange.Response, f *freshnessFields) (*transfer, string) {
	if resp.ContentLength > c.t.store.MaxEntrySize() {
		return nil, "too large"
	}
	key, vary, why := c.settleKey(q, resp)
	if why != "" {
		return nil, why
	}
	if q.own.doomed.Load() {
		return nil, "doomed meanwhile"
	}
	if c.plan.replace || c.plan.validate || c.plan.method == methodPost {
		// What is there may be fresh still, but it is not the newest.
		_ = c.t.store.Delete(q.ctx, key)
	}
	e, err := c.t.store.Create(q.ctx, key)
	if err != nil {
		return nil, "store failed"
	}
	tr := c.transfer(q, resp, e, q.newHead(resp, f, vary))
	if !q.detach() {
		e.Close()
		return nil, "cancelled"
	}
	e.SetHead(tr.head)
	tr.resumable = c.plan.method == methodGet && resp.Status == 200 && resp.ContentLength > 0 && !resp.Uncompressed
	tr.start(key)
	return tr, ""
}

// transfer is one that reads a response's body into an entry.
func (c *call) transfer(q *question, resp *exchange.Response, e store.Entry, h *store.Head) *transfer {
	tr := &q.transfer
	tr.t, tr.own, tr.head, tr.entry, tr.body, tr.cancel = c.t, &q.own, h, e, resp.Body, q.cancel
	tr.log, tr.readers = c.req.NetLog, 1
	return tr
}

// keepPart creates an entry for a part, or says why there can be none.
func (c *call) keepPart(q *question, resp *exchange.Response, f *freshnessFields) (*part, string) {
	v := validatorsOf(resp.Proto, resp.Header)
	r, ok := parseContentRange(resp.Header.Get("Content-Range"))
	switch {
	case !ok || r.length < 0 || resp.Uncompressed:
		return nil, "part of unknown length"
	case resp.ContentLength >= 0 && resp.ContentLength != r.last-r.first+1:
		return nil, "part of another length"
	case !v.strong:
		return nil, "part without a strong validator"
	case r.length > c.t.store.MaxEntrySize():
		return nil, "too large"
	}
	names, star := varyNames(resp.Header)
	for _, name := range names {
		star = star || name == "range"
	}
	if star {
		return nil, "vary"
	}
	key, vary, why := c.settleKey(q, resp)
	if why != "" {
		return nil, why
	}
	e, err := c.t.store.Create(q.ctx, key)
	if err != nil {
		return nil, "store failed"
	}
	c.drop(q)
	h := q.newHead(resp, f, vary)
	h.Status, h.StatusText, h.Length, h.State = 200, "OK", r.length, store.Sparse
	h.Header.Del("Content-Range")
	h.Header.Set("Content-Length", strconv.FormatInt(r.length, 10))
	e.SetHead(h)
	c.reply = &reply{}
	b := &c.body
	b.asker, b.entry, b.head, b.pos, b.end = c.asker, e, h, r.first, r.last+1
	b.net, b.netFrom, b.netEnd, b.filling, b.own = resp.Body, b.pos, b.end, true, &q.own
	b.stopWith(q)
	return b, ""
}

// stopWith makes what is read from the network end with a question's context.
func (b *part) stopWith(q *question) {
	stop := context.CancelFunc(func() {
		q.unwatch()
		q.cancel(neterr.Aborted)
	})
	b.stop.Store(&stop)
}

// A passed body is one that is not stored. With it the question ends.
type passed struct {
	io.ReadCloser
	q   *question
	ctx context.Context // the caller's
}

func (b *passed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		if err != io.EOF && b.ctx.Err() != nil {
			err = neterr.FromContext(b.ctx) // the question's says less of why it ended
		}
		b.q.done()
	}
	return n, err
}

// Write is for the body of a 101 response, which goes both ways.
func (b *passed) Write(p []byte) (int, error) {
	if w, ok := b.ReadCloser.(io.Writer); ok {
		return w.Write(p)
	}
	return 0, errors.ErrUnsupported
}

func (b *passed) Close() error {
	err := b.ReadCloser.Close()
	b.q.done()
	return err
}
