package cache

import (
	"net/http"
	"strconv"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// fromStore answers with an entry that has what the request wants, without the origin's
// word.
func (c *call) fromStore(s *found) (*exchange.Response, error) {
	c.req.CloseBody()
	c.fillStored(s)
	info := &c.resp.Info.Cache
	info.Hit, info.Stale = true, info.TTL <= 0 || !s.aged
	c.carve(s.entry, s.head)
	return &c.resp, nil
}

// fillStored sets the response's head to one that is given out without the origin's word.
func (c *call) fillStored(s *found) {
	c.fill(s.head, s.head.Header)
	c.resp.Header = append(c.resp.Header, exchange.Field{Name: "Age", Value: seconds(s.age)})
	if s.rules.NoCacheFields {
		c.withoutNamed(s.head)
	}
	info := &c.resp.Info.Cache
	info.Age, info.TTL = s.age, s.rules.Lifetime-s.age
}

// fill sets the response's head. It copies the header, with room for what follows.
func (c *call) fill(h *store.Head, header exchange.Fields) {
	c.reply = &reply{}
	r := &c.resp
	r.Status, r.StatusText, r.Proto, r.ContentLength = h.Status, h.StatusText, h.Proto, h.Length
	r.Info.Remote = h.Remote
	r.Header = c.fields[:0]
	if spare := 2; len(header)+spare > len(c.fields) {
		r.Header = make(exchange.Fields, 0, len(header)+spare)
	}
	for i := range header {
		if !exchange.EqualName(header[i].Name, "Age") {
			r.Header = append(r.Header, header[i])
		}
	}
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

// withoutNamed removes the fields that may not be given out without the origin's word
// (RFC 9111 section 5.2.2.4).
func (c *call) withoutNamed(h *store.Head) {
	d := parseDirectives(h.Header)
	for name := range members(d.noCacheFields) {
		c.resp.Header.Del(name)
	}
}

// carve sets the response's body: the whole, or the range that the request is for. The
// entry is the response's from here on.
func (c *call) carve(e store.Entry, h *store.Head) {
	r := &c.resp
	r.Body = &c.body
	if c.plan.method == methodHead || h.Length == 0 {
		e.Close()
		return
	}
	if _, ok := e.(store.Lender); ok {
		r.Body = (*lent)(&c.body)
	}
	c.body.asker, c.body.entry, c.body.head, c.body.end = c.asker, e, h, h.Length
	switch {
	case !c.plan.hasRange || h.Status != http.StatusOK:
		if h.State != store.Complete {
			r.Header.Set("Content-Length", strconv.FormatInt(h.Length, 10))
		}
		return
	}
	from, to, ok := c.plan.span.within(h.Length)
	if !ok {
		r.Status, r.StatusText, r.ContentLength = http.StatusRequestedRangeNotSatisfiable, "Range Not Satisfiable", 0
		r.Header.Set("Content-Range", "bytes */"+strconv.FormatInt(h.Length, 10))
		r.Header.Set("Content-Length", "0")
		c.body.pos = h.Length
		return
	}
	c.partial(from, to, h.Length)
	c.body.pos, c.body.end = from, to
}

// partial makes the response's head that of a part.
func (c *call) partial(from, to, length int64) {
	r := &c.resp
	r.Status, r.StatusText, r.ContentLength = http.StatusPartialContent, "Partial Content", to-from
	r.Header.Set("Content-Range", contentRangeValue(from, to, length))
	r.Header.Set("Content-Length", strconv.FormatInt(to-from, 10))
}
