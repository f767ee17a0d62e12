package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/session"
)

func TestDemo(t *testing.T) {
	got := kaon(t, "", "demo")
	if got.status != 0 || got.err != "" {
		t.Fatalf("got status %d, standard error %q; output:\n%s", got.status, got.err, got.out)
	}
	lines := strings.Split(got.out, "\n")
	head := regexp.MustCompile(`^A server inside this program: http://127\.0\.0\.1:\d+ and https://localhost:\d+$`)
	if !head.MatchString(lines[0]) {
		t.Errorf("first line: got %q", lines[0])
	}
	if want := len(rows()) + 6; len(lines) != want {
		t.Fatalf("got %d lines, want %d:\n%s", len(lines), want, got.out)
	}
	line := regexp.MustCompile(`^ok    [ \d]{5}\.\d ms  `)
	seen := strings.Index(lines[2], "SEEN")
	for i, r := range rows() {
		l := lines[3+i]
		if !line.MatchString(l) || !strings.HasPrefix(l[18:], r.name+"  ") || l[seen-1] != ' ' || l[seen] == ' ' {
			t.Errorf("row %d: got %q, want %q with what was seen in column %d", i, l, r.name, seen)
		}
	}
}

// newTestDemo returns a demo of which a test can break a part.
func newTestDemo(t *testing.T) *demo {
	t.Helper()
	o, _ := testOrigin(t)
	d, err := newDemo(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.ses.Close(context.Background()) })
	return d
}

// TestDemoRowFails: the other rows are walked all the same.
func TestDemoRowFails(t *testing.T) {
	d := newTestDemo(t)
	var out, errs bytes.Buffer
	err := d.walk(t.Context(), &out, []row{
		{"fails", func(context.Context, *demo) (string, error) {
			return "", errors.Join(errors.New("one"), errors.New("two"))
		}},
		{"works", fetchHTTP},
	})
	if got := report(t.Context(), &errs, "demo", err); got != 1 {
		t.Errorf("got status %d, want 1", got)
	}
	if got, want := errs.String(), "kaon demo: 1 of 2 rows failed\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := regexp.MustCompile(`\nFAIL  +\d+\.\d ms  fails  one; two\nok  .*\n\n1 of 2 work\.\n$`)
	if !want.Match(out.Bytes()) {
		t.Errorf("got %q, want a match of %s", out.String(), want)
	}
}

// TestDemoBrokenOrigin: every row that needs a server notices that there is none.
func TestDemoBrokenOrigin(t *testing.T) {
	d := newTestDemo(t)
	d.origin.close()
	without := map[string]bool{"restricted port refused": true, "partitions by name": true}
	var out bytes.Buffer
	if err := d.walk(t.Context(), &out, rows()); err == nil {
		t.Error("got no error, want one")
	}
	for i, line := range strings.Split(out.String(), "\n")[1 : len(rows())+1] {
		if name := rows()[i].name; strings.HasPrefix(line, "FAIL") == without[name] {
			t.Errorf("%s: got %q", name, line)
		}
	}
}

// TestDemoWrongAnswers: rows look at what they get. Whatever they ask for, the
// answer is another page's.
func TestDemoWrongAnswers(t *testing.T) {
	d := newTestDemo(t)
	d.origin.http += "/wrong"
	d.origin.https += "/wrong"
	for _, r := range []row{
		{"HTTP", fetchHTTP},
		{"HTTPS", fetchHTTPS},
		{"POST", postBody},
		{"header fields", headerFields},
		{"cache", cacheHit},
		{"validation", cacheValidated},
		{"range", cacheRange},
		{"rest of a body", cacheResumed},
		{"redirects", redirectsFollowed},
		{"loop", redirectLoop},
		{"codings", decoded},
		{"drop-in", dropIn},
		{"bad servers", badServers},
		{"cancel", cancelled},
	} {
		if seen, err := d.show(t.Context(), r); err == nil {
			t.Errorf("%s: got %q, want an error", r.name, seen)
		}
	}
}

// TestDemoTooManySockets: the row on the limit counts.
func TestDemoTooManySockets(t *testing.T) {
	o, _ := testOrigin(t)
	o.crowd.size = 7 // so that as many are needed
	ses, err := session.New(session.Config{MaxConnsPerHost: o.crowd.size})
	if err != nil {
		t.Fatal(err)
	}
	defer ses.Close(t.Context())
	seen, err := sixSockets(t.Context(), &demo{o, ses})
	if err == nil || err.Error() != "opened 7 sockets, want 6" {
		t.Errorf("got %q, error %v, want 7 sockets counted", seen, err)
	}
}

func TestDemoInterrupted(t *testing.T) {
	d := newTestDemo(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, errs bytes.Buffer
	err := d.walk(ctx, &out, []row{
		{"interrupted", func(ctx context.Context, d *demo) (string, error) {
			cancel()
			return fetchHTTP(ctx, d)
		}},
		{"next", func(context.Context, *demo) (string, error) { t.Error("went on"); return "", nil }},
	})
	if got := report(ctx, &errs, "demo", err); got != 130 {
		t.Errorf("got status %d (%v), want 130", got, err)
	}
	if got, want := errs.String(), "kaon demo: interrupted\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
