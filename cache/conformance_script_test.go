package cache_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
)

// A conformanceCase is a story of requests, each told by its step.
type conformanceCase struct {
	name  string
	steps []step
}

// A step is a request through the cache with what is to come of it, or time that
// passes.
type step struct {
	line int
	wait time.Duration // the step is only this

	method, url string
	header      exchange.Fields
	body        string
	flags       exchange.LoadFlags
	credentials exchange.Credentials
	key         origin.Key
	upload      int64
	cut         int // the caller reads so many bytes and closes; negative: all

	answers []answer
	want    want
}

// An answer is what the origin says when it is asked, and what it then sees.
type answer struct {
	status  int
	header  exchange.Fields
	body    string // empty: one that no other answer of the case has
	cut     int    // the connection breaks after so many bytes of body; negative: never
	chunked bool
	noDate  bool
	refuse  bool // the connection breaks before an answer
	delay   time.Duration
	sees    exchange.Fields
}

// A want is what the caller is to get.
type want struct {
	err    string // as ERR_CACHE_MISS
	status int
	body   string // "#1" is that of the first answer
	info   string // part of the CacheInfo
	header exchange.Fields
}

func parseCases(t *testing.T, file, text string) []*conformanceCase {
	var cases []*conformanceCase
	names := make(map[string]bool)
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		bad := func(what string) {
			t.Helper()
			t.Fatalf("%s:%d: %s: %s", file, n+1, what, line)
		}
		verb, rest, _ := strings.Cut(line, " ")
		if verb == "case" {
			if names[rest] {
				bad("a second case of this name")
			}
			names[rest] = true
			cases = append(cases, &conformanceCase{name: rest})
			continue
		}
		if len(cases) == 0 {
			bad("no case yet")
		}
		c := cases[len(cases)-1]
		var err error
		switch {
		case verb == "wait":
			s := step{line: n + 1}
			s.wait, err = time.ParseDuration(rest)
			c.steps = append(c.steps, s)
		case verb == ">":
			s := step{line: n + 1, cut: -1, want: want{status: 200}}
			err = s.parse(t, rest)
			c.steps = append(c.steps, s)
		case len(c.steps) == 0 || c.steps[len(c.steps)-1].wait > 0:
			bad("no request yet")
		default:
			err = c.steps[len(c.steps)-1].add(verb, rest)
		}
		if err != nil {
			bad(err.Error())
		}
	}
	return cases
}

// add takes a line that says more of a request.
func (s *step) add(verb, rest string) (err error) {
	switch verb {
	case "<":
		a := answer{cut: -1}
		err = a.parse(rest)
		s.answers = append(s.answers, a)
	case "?":
		if len(s.answers) == 0 {
			return fmt.Errorf("no answer yet")
		}
		a := &s.answers[len(s.answers)-1]
		for part := range strings.SplitSeq(rest, " | ") {
			a.sees = append(a.sees, parseField(part))
		}
	case "=":
		err = s.want.parse(rest)
	default:
		err = fmt.Errorf("unknown verb")
	}
	return err
}

func (s *step) parse(t *testing.T, text string) (err error) {
	parts := strings.Split(text, " | ")
	s.method, s.url, _ = strings.Cut(parts[0], " ")
	if s.url == "" {
		s.url = "/"
	}
	if s.url[0] == '/' {
		s.url = "http://origin.test" + s.url
	}
	for _, part := range parts[1:] {
		f := parseField(part)
		switch f.Name {
		case "mode":
			flags, ok := modes[f.Value]
			if !ok {
				return fmt.Errorf("unknown mode")
			}
			s.flags = flags
		case "key":
			s.key = parseKey(t, f.Value)
		case "credentials":
			s.credentials = exchange.Omit
		case "upload":
			s.upload, err = strconv.ParseInt(f.Value, 10, 64)
		case "body":
			s.body = f.Value
		case "cut":
			s.cut, err = strconv.Atoi(f.Value)
		default:
			s.header = append(s.header, f)
		}
	}
	return err
}

func (a *answer) parse(text string) (err error) {
	parts := strings.Split(text, " | ")
	if parts[0] == "refuse" {
		a.refuse = true
	} else if a.status, err = strconv.Atoi(parts[0]); err != nil {
		return err
	}
	for _, part := range parts[1:] {
		f := parseField(part)
		switch f.Name {
		case "body":
			a.body = f.Value
		case "cut":
			a.cut, err = strconv.Atoi(f.Value)
		case "chunked":
			a.chunked = true
		case "no-date":
			a.noDate = true
		case "delay":
			a.delay, err = time.ParseDuration(f.Value)
		default:
			a.header = append(a.header, f)
		}
	}
	return err
}

func (w *want) parse(text string) (err error) {
	parts := strings.Split(text, " | ")
	first, body, _ := strings.Cut(parts[0], " ")
	switch {
	case strings.HasPrefix(first, "ERR_"):
		w.err, w.body = first, body
	case len(first) == 3 && first[0] >= '1' && first[0] <= '5':
		w.status, err = strconv.Atoi(first)
		w.body = body
	default:
		w.body = parts[0]
	}
	for _, part := range parts[1:] {
		if f := parseField(part); f.Name == "info" {
			w.info = f.Value
		} else {
			w.header = append(w.header, f)
		}
	}
	return err
}

func parseField(s string) exchange.Field {
	name, value, _ := strings.Cut(s, ":")
	return exchange.Field{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)}
}
