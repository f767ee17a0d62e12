package cache_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// TestScenarios runs the rules of several requests that meet, in fake time. The commands:
//
//	new                                    an empty cache
//	get id=a [method=M] [url=/x] [mode=M]  a request; lines below are its fields
//	answer to=1 [status=N] [late]          the origin answers its request number 1; lines
//	                                       below are the fields; the body ends by itself
//	                                       with Content-Length, unless it is late
//	send to=1 data=abc                     some of the body comes
//	end to=1 | break to=1                  the body ends, or the connection does
//	refuse to=1+2                          the origin does not answer these
//	read id=a [n=N]                        reads N bytes, or to the end
//	cancel id=a | close id=a               the caller's context ends, or it closes the body
//	fail at=write|commit|create|open|read  the store fails from now on; at=none mends it
//	clear                                  everything is deleted
//	sleep for=1s
//	stored                                 what the store has
//
// The output is what happened, in order of the requests' names.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/scenarios", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{t: t}
			defer s.stop()
			datadriven.RunTest(t, path, s.run)
		})
	})
}

type script struct {
	t     *testing.T
	store *faultyStore
	cache *cache.Transport
	calls map[string]*scriptCall
	asked []*scriptAsk

	mu     sync.Mutex
	events []string
}

// A scriptCall is a request of a caller's.
type scriptCall struct {
	cancel context.CancelFunc
	resp   *exchange.Response
}

// A scriptAsk is a request that reached the origin.
type scriptAsk struct {
	answer chan func() (*exchange.Response, error)
	body   *scriptBody
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	if d.Cmd != "new" && s.cache == nil {
		d.Fatalf(t, "the first command is new")
	}
	switch d.Cmd {
	case "new":
		s.stop()
		s.start()
	case "get":
		s.get(d)
	case "answer":
		s.answer(d)
	case "send":
		s.ask(d).body.send(arg(d, "data"), nil)
	case "end":
		s.ask(d).body.send("", io.EOF)
	case "break":
		s.ask(d).body.send("", neterr.ConnectionReset)
	case "refuse":
		for n := range strings.SplitSeq(arg(d, "to"), "+") {
			s.askNumber(d, n).answer <- func() (*exchange.Response, error) { return nil, neterr.ConnectionRefused }
		}
	case "read":
		s.read(d)
	case "cancel":
		s.call(d).cancel()
	case "close":
		s.call(d).resp.Body.Close()
	case "fail":
		s.store.failAt(arg(d, "at"))
	case "clear":
		if err := s.cache.Clear(t.Context(), nil); err != nil {
			s.logf("clear: %v", err)
		}
	case "sleep":
		wait, err := time.ParseDuration(arg(d, "for"))
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		time.Sleep(wait)
	case "stored":
		s.stored()
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.events)
	out := strings.Join(s.events, "\n")
	s.events = nil
	if out == "" {
		return "ok\n"
	}
	return out + "\n"
}

func (s *script) start() {
	s.store = &faultyStore{Store: mem.New(mem.Config{Size: 1 << 20})}
	s.cache = cache.New(cache.Config{Store: s.store, Next: exchange.RoundTripperFunc(s.origin)})
	s.calls, s.asked = map[string]*scriptCall{}, nil
}

// stop ends a script: everything that it began has to end.
func (s *script) stop() {
	if s.cache == nil {
		return
	}
	for _, c := range s.calls {
		if c.resp != nil {
			c.resp.Body.Close()
		}
		c.cancel()
	}
	s.cache.Close()
	synctest.Wait()
	s.store.Store.Close()
	for i, a := range s.asked {
		if a.body != nil && !a.body.isClosed() {
			s.t.Errorf("the body of answer %d was not closed", i+1)
		}
	}
	if n := s.store.open(); n != 0 {
		s.t.Errorf("%d entries were not closed", n)
	}
}

func (s *script) logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, fmt.Sprintf(format, args...))
}

func arg(d *datadriven.TestData, name string) string {
	for _, a := range d.CmdArgs {
		if a.Key == name && len(a.Vals) > 0 {
			return a.Vals[0]
		}
	}
	return ""
}

func (s *script) call(d *datadriven.TestData) *scriptCall {
	c := s.calls[arg(d, "id")]
	if c == nil {
		d.Fatalf(s.t, "no request %s", arg(d, "id"))
	}
	return c
}

func (s *script) ask(d *datadriven.TestData) *scriptAsk {
	return s.askNumber(d, arg(d, "to"))
}

func (s *script) askNumber(d *datadriven.TestData, number string) *scriptAsk {
	n, err := strconv.Atoi(number)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || n < 1 || n > len(s.asked) {
		d.Fatalf(s.t, "the origin has no request %s", number)
	}
	return s.asked[n-1]
}

func fieldsOf(input string) (f exchange.Fields) {
	for line := range strings.Lines(input) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		f.Add(name, strings.TrimSpace(value))
	}
	return f
}

var modes = map[string]exchange.LoadFlags{
	"no-store": exchange.DisableCache, "reload": exchange.BypassCache, "no-cache": exchange.ValidateCache,
	"force-cache": exchange.SkipCacheValidation, "only-if-cached": exchange.SkipCacheValidation | exchange.OnlyFromCache,
	"only-from-cache": exchange.OnlyFromCache, // Chromium's flag alone
}

func (s *script) get(d *datadriven.TestData) {
	path := arg(d, "url")
	if path == "" {
		path = "/"
	}
	u, err := url.Parse("http://origin.test" + path)
	if err != nil {
		d.Fatalf(s.t, "%v", err)
	}
	id := arg(d, "id")
	req := &exchange.Request{Method: arg(d, "method"), URL: u, Header: fieldsOf(d.Input), LoadFlags: modes[arg(d, "mode")]}
	ctx, cancel := context.WithCancel(s.t.Context())
	c := &scriptCall{cancel: cancel}
	s.calls[id] = c
	go func() {
		resp, err := s.cache.RoundTrip(ctx, req)
		if err != nil {
			s.logf("%s: %v", id, err)
			return
		}
		c.resp = resp
		info := resp.Info.Cache
		text := fmt.Sprintf("%s: %d %s", id, resp.Status, info.String())
		if v, ok := resp.Header.Lookup("Content-Range"); ok {
			text += " " + v
		}
		s.logf("%s", text)
	}()
}

// origin is what the cache asks.
func (s *script) origin(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	a := &scriptAsk{answer: make(chan func() (*exchange.Response, error), 1)}
	s.mu.Lock()
	s.asked = append(s.asked, a)
	n := len(s.asked)
	s.mu.Unlock()
	var text strings.Builder
	text.WriteString(fmt.Sprintf("origin %d: %s", n, req.URL.Path))
	for _, f := range req.Header {
		text.WriteString(fmt.Sprintf(" %s: %s", f.Name, f.Value))
	}
	s.logf("%s", text.String())
	select {
	case f := <-a.answer:
		resp, err := f()
		if err == nil {
			a.body.ctx = ctx
		}
		return resp, err
	case <-ctx.Done():
		s.logf("origin %d: cancelled", n)
		return nil, neterr.FromContext(ctx)
	}
}

func (s *script) answer(d *datadriven.TestData) {
	a := s.ask(d)
	status := 200
	if v := arg(d, "status"); v != "" {
		status, _ = strconv.Atoi(v)
	}
	a.body = &scriptBody{wake: make(chan struct{}), left: -1}
	resp := &exchange.Response{Status: status, Proto: "HTTP/1.1", Header: fieldsOf(d.Input), ContentLength: -1, Body: a.body}
	resp.Header.Add("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	if v, ok := resp.Header.Lookup("Content-Length"); ok {
		resp.ContentLength, _ = strconv.ParseInt(v, 10, 64)
	}
	if status == 304 {
		resp.ContentLength = 0
	}
	if !d.HasArg("late") {
		a.body.left = resp.ContentLength
	}
	a.answer <- func() (*exchange.Response, error) { return resp, nil }
}

func (s *script) read(d *datadriven.TestData) {
	c, id := s.call(d), arg(d, "id")
	if c.resp == nil {
		d.Fatalf(s.t, "%s has no response", id)
	}
	limit := -1
	if v := arg(d, "n"); v != "" {
		limit, _ = strconv.Atoi(v)
	}
	go func() {
		var b []byte
		var err error
		if limit >= 0 {
			b = make([]byte, limit)
			limit, err = io.ReadFull(c.resp.Body, b)
			b = b[:limit]
		} else if b, err = io.ReadAll(c.resp.Body); err == nil {
			err = io.EOF
		}
		switch err {
		case nil:
			s.logf("%s reads %q", id, b)
		case io.EOF:
			s.logf("%s reads %q, the end", id, b)
		default:
			s.logf("%s reads %q, %v", id, b, err)
		}
	}()
}

var states = [...]string{"complete", "truncated", "sparse", "variants"}

// stored lists the entries, without counting as use.
func (s *script) stored() {
	for info, err := range s.store.All(s.t.Context()) {
		if err != nil {
			s.logf("%v", err)
			return
		}
		key := info.Key
		e, err := s.store.Store.Open(s.t.Context(), &key)
		if err != nil {
			s.logf("%v", err)
			continue
		}
		h := e.Head()
		var text strings.Builder
		text.WriteString(fmt.Sprintf("%s %s", strings.TrimPrefix(key.URL, "http://origin.test"), states[h.State]))
		for _, x := range e.Extents(nil) {
			b := make([]byte, x.Len)
			if _, err := e.ReadAt(b, x.Off); err != nil && err != io.EOF {
				text.WriteString(" " + err.Error())
			}
			text.WriteString(fmt.Sprintf(" %d:%s", x.Off, b))
		}
		if h.State != store.Variants {
			text.WriteString(fmt.Sprintf(" of %d", h.Length))
		}
		e.Close()
		s.logf("%s", text.String())
	}
}

// A scriptBody is one that comes when the script says.
type scriptBody struct {
	ctx context.Context

	mu     sync.Mutex
	data   bytes.Buffer
	left   int64 // bytes after which it ends by itself; -1 if it does not
	err    error
	closed bool
	wake   chan struct{}
}

func (b *scriptBody) send(data string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.data.WriteString(data)
	b.err = err
	close(b.wake)
	b.wake = make(chan struct{})
}

func (b *scriptBody) Read(p []byte) (int, error) {
	for {
		b.mu.Lock()
		wake := b.wake
		switch {
		case b.closed:
			b.mu.Unlock()
			return 0, neterr.SocketNotConnected
		case b.data.Len() > 0:
			n, _ := b.data.Read(p)
			b.left -= int64(n)
			b.mu.Unlock()
			return n, nil
		case b.left == 0:
			b.mu.Unlock()
			return 0, io.EOF
		case b.err != nil:
			b.mu.Unlock()
			return 0, b.err
		}
		b.mu.Unlock()
		select {
		case <-wake:
		case <-b.ctx.Done():
			return 0, neterr.FromContext(b.ctx)
		}
	}
}

func (b *scriptBody) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

func (b *scriptBody) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}
