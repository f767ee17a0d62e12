package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

const demoAbout = `Usage: kaon demo

Shows what works, against a server inside this program. Nothing leaves the machine.
The exit status is 1 if anything does not work.
`

// rowTimeout bounds each row: on loopback nothing takes long unless it hangs.
const rowTimeout = 10 * time.Second

// A row is one thing that the demo shows. Its run says in a few words what was
// seen, or fails. Rows do not depend on each other.
type row struct {
	name string
	run  func(context.Context, *demo) (string, error)
}

// A demo is the embedded origin and a session that trusts it.
type demo struct {
	origin *origin
	ses    *session.Session
}

func runDemo(ctx context.Context, args []string, std streams) (err error) {
	if err := parseNone("demo", demoAbout, args, std); err != nil {
		return err
	}
	o, err := startOrigin()
	if err != nil {
		return fmt.Errorf("server for the demo: %w", err)
	}
	defer o.close()
	d, err := newDemo(o)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := d.ses.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	fmt.Fprintf(std.out, "A server inside this program: %s and %s\n\n", o.http, o.https)
	return d.walk(ctx, std.out, rows())
}

// newDemo returns a demo whose session trusts the origin's authority and no other.
func newDemo(o *origin) (*demo, error) {
	verifier := certverify.New(certverify.Config{Roots: o.ca.Pool()})
	ses, err := session.New(session.Config{TLS: tls.Config{Verifier: verifier}})
	if err != nil {
		return nil, err
	}
	return &demo{o, ses}, nil
}

// walk runs the rows and prints each as it is done. It fails if any of them does.
func (d *demo) walk(ctx context.Context, w io.Writer, rows []row) error {
	wide := 0
	for _, r := range rows {
		wide = max(wide, len(r.name))
	}
	fmt.Fprintf(w, "%-4s  %10s  %-*s  %s\n", "", "TOOK", wide, "WHAT", "SEEN")
	failed := 0
	for _, r := range rows {
		start := time.Now()
		seen, err := d.show(ctx, r)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		mark := "ok"
		if err != nil {
			mark, seen = "FAIL", strings.ReplaceAll(err.Error(), "\n", "; ")
			failed++
		}
		took := float64(time.Since(start).Microseconds()) / 1000
		fmt.Fprintf(w, "%-4s  %7.1f ms  %-*s  %s\n", mark, took, wide, r.name, seen)
	}
	fmt.Fprintf(w, "\n%d of %d work.\n", len(rows)-failed, len(rows))
	if failed > 0 {
		return fmt.Errorf("%d of %d rows failed", failed, len(rows))
	}
	return nil
}

func (d *demo) show(ctx context.Context, r row) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, rowTimeout)
	defer cancel()
	return r.run(ctx, d)
}
