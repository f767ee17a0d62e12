package cache_test

import (
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
)

// leastCases is how many cases the files must have at least.
const leastCases = 300

// TestConformance drives the cases of testdata/conformance, each named by the section
// of the RFC that it is from, against a scripted origin that speaks HTTP over
// connections in memory. The README there says how to read them.
func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/conformance/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases := parseCases(t, file, string(text))
		n += len(cases)
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { c.run(t) })
				})
			}
		})
	}
	if n < leastCases {
		t.Errorf("%d cases, want %d at least", n, leastCases)
	}
}

func (c *conformanceCase) run(t *testing.T) {
	o := newScriptedOrigin(t)
	rt := cache.New(cache.Config{Store: mem.New(mem.Config{Size: 1 << 20}), Next: exchange.From(o.transport)})
	defer rt.Close()
	for i := range c.steps {
		s := &c.steps[i]
		if s.wait > 0 {
			time.Sleep(s.wait)
			continue
		}
		o.expect(s.answers)
		got := s.send(rt)
		synctest.Wait() // for what happens behind
		for _, complaint := range o.complaints(s) {
			t.Errorf("line %d: %s", s.line, complaint)
		}
		if complaint := s.check(got, o); complaint != "" {
			t.Errorf("line %d: %s\ngot %s", s.line, complaint, got)
		}
	}
}

// A scriptedOrigin answers as a case tells it to, and keeps what it was asked.
type scriptedOrigin struct {
	transport *http.Transport

	mu      sync.Mutex
	pending []answer
	seen    []http.Header // of the requests of this step
	surplus []string      // requests of this step that nobody expected
	bodies  []string      // of all answers, in order
}

func newScriptedOrigin(t *testing.T) *scriptedOrigin {
	o := &scriptedOrigin{}
	var network nettest.Network
	l, err := network.Listen("192.0.2.1:80")
	if err != nil {
		t.Fatal(err)
	}
	o.transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return network.Dial(ctx, "tcp", "192.0.2.1:80")
		},
		DisableCompression: true,
	}
	srv := &http.Server{Handler: o}
	served := make(chan struct{})
	go func() { defer close(served); srv.Serve(l) }()
	t.Cleanup(func() {
		o.transport.CloseIdleConnections()
		srv.Close()
		<-served
	})
	return o
}

func (o *scriptedOrigin) expect(answers []answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pending, o.seen, o.surplus = answers, nil, nil
}

// complaints tells what the origin was asked too much, too little, or otherwise than
// the step says.
func (o *scriptedOrigin) complaints(s *step) (all []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, request := range o.surplus {
		all = append(all, "the origin was asked: "+request)
	}
	if n := len(o.pending); n > 0 {
		all = append(all, "the origin was not asked "+strconv.Itoa(n)+" times")
	}
	for i, a := range s.answers {
		if i >= len(o.seen) {
			break
		}
		for _, want := range a.sees {
			if complaint := compareField(want, o.seen[i]); complaint != "" {
				all = append(all, "request "+strconv.Itoa(i+1)+" to the origin: "+complaint)
			}
		}
	}
	return all
}

func (o *scriptedOrigin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := o.next(r)
	if !ok {
		http.Error(w, "nobody expected this", http.StatusInternalServerError)
		return
	}
	if a.delay > 0 {
		time.Sleep(a.delay)
	}
	if a.refuse {
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	for _, f := range a.header {
		h.Add(f.Name, expandTimes(f.Value))
	}
	if a.noDate {
		h["Date"] = nil
	}
	body := a.body
	hasBody := r.Method != http.MethodHead && a.status != 204 && a.status != 304
	if h.Get("Content-Length") == "" && a.status != 304 && a.status != 204 && !a.chunked {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(a.status)
	if !hasBody {
		return
	}
	if a.cut >= 0 {
		io.WriteString(w, body[:a.cut])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	io.WriteString(w, body)
}

func (o *scriptedOrigin) next(r *http.Request) (answer, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.pending) == 0 {
		o.surplus = append(o.surplus, r.Method+" "+r.URL.String())
		return answer{}, false
	}
	a := o.pending[0]
	o.pending = o.pending[1:]
	o.seen = append(o.seen, r.Header)
	if a.body == "" {
		a.body = "body " + strconv.Itoa(len(o.bodies)+1)
	}
	o.bodies = append(o.bodies, a.body)
	return a, true
}

// A reply is what the caller of the cache got.
type reply struct {
	err  error
	resp *exchange.Response
	body string
	read error
}

func (r reply) String() string {
	if r.err != nil {
		return r.err.Error()
	}
	var s strings.Builder
	s.WriteString(strconv.Itoa(r.resp.Status) + " " + strconv.Quote(r.body) + " [" + r.resp.Info.Cache.String() + "]")
	for _, f := range r.resp.Header {
		s.WriteString("\n    " + f.Name + ": " + f.Value)
	}
	if r.read != nil {
		s.WriteString("\n    body ended with " + r.read.Error())
	}
	return s.String()
}

func (s *step) send(rt exchange.RoundTripper) (got reply) {
	u, err := url.Parse(s.url)
	if err != nil {
		return reply{err: err}
	}
	req := &exchange.Request{
		Method: s.method, URL: u, LoadFlags: s.flags, Credentials: s.credentials, Key: s.key, UploadID: s.upload,
	}
	for _, f := range s.header {
		req.Header.Add(f.Name, expandTimes(f.Value))
	}
	if s.body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(s.body)), int64(len(s.body))
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	got.resp, got.err = rt.RoundTrip(ctx, req)
	if got.err != nil {
		return got
	}
	defer got.resp.Body.Close()
	var body io.Reader = got.resp.Body
	if s.cut >= 0 {
		body = io.LimitReader(body, int64(s.cut))
	}
	b, err := io.ReadAll(body)
	got.body, got.read = string(b), err
	return got
}

// check compares a reply with what the step wants.
func (s *step) check(got reply, o *scriptedOrigin) string {
	w := s.want
	if w.err != "" {
		if err := cmp.Or(got.err, got.read); err == nil || neterr.CodeOf(err).Error() != "net::"+w.err {
			return "want " + w.err
		}
		if got.err != nil || w.body == "" {
			return ""
		}
	} else if got.err != nil || got.read != nil {
		return "want no error"
	}
	if got.resp.Status != w.status {
		return "want status " + strconv.Itoa(w.status)
	}
	body := w.body
	if n, ok := strings.CutPrefix(body, "#"); ok {
		i, err := strconv.Atoi(n)
		if err != nil || i < 1 || i > len(o.bodies) {
			return "there is no answer " + n
		}
		body = o.bodies[i-1]
	}
	if got.body != body {
		return "want body " + strconv.Quote(body)
	}
	if info := got.resp.Info.Cache.String(); !strings.Contains(info, w.info) {
		return "want " + w.info
	}
	for _, f := range w.header {
		if complaint := compareField(f, exchange.HTTPHeader(got.resp.Header)); complaint != "" {
			return complaint
		}
	}
	return ""
}

// compareField compares a field with one that is wanted; a name that begins with "!"
// must not be there.
func compareField(want exchange.Field, h http.Header) string {
	if name, not := strings.CutPrefix(want.Name, "!"); not {
		if h.Get(name) != "" {
			return "want no " + name + ", got " + h.Get(name)
		}
		return ""
	}
	if got, value := strings.Join(h.Values(want.Name), ", "), expandTimes(want.Value); got != value {
		return want.Name + ": got " + strconv.Quote(got) + ", want " + strconv.Quote(value)
	}
	return ""
}

// expandTimes writes {now}, {now-1h} and {now+1h} as an HTTP date.
func expandTimes(s string) string {
	before, rest, found := strings.Cut(s, "{now")
	if !found {
		return s
	}
	offset, after, _ := strings.Cut(rest, "}")
	at := time.Now()
	if offset != "" {
		d, err := time.ParseDuration(offset)
		if err != nil {
			panic(err)
		}
		at = at.Add(d)
	}
	return before + at.UTC().Format(http.TimeFormat) + expandTimes(after)
}

func parseKey(t *testing.T, s string) origin.Key {
	site := func(s string) origin.Site {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return origin.Of(u).Site()
	}
	top, frame, two := strings.Cut(s, " ")
	if !two {
		frame = top
	}
	return origin.NewKey(site(top), site(frame))
}
