package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

const fetchAbout = `Usage: kaon fetch [options] URL...

Requests URLs one after another in one session, as Chromium would, and prints the
bodies of the responses. An HTTP status such as 404 is a response, not a failure.
`

// fetchOptions are the command line of kaon fetch.
type fetchOptions struct {
	method    string
	head      bool
	headers   []string
	data      string
	hasData   bool // --data "" is a body too, an empty one
	output    string
	include   bool
	verbose   bool
	netlog    string
	cacert    string
	maxTime   time.Duration
	redirect  string
	userAgent string
	silent    bool
	profile   profileOptions
}

func runFetch(ctx context.Context, args []string, std streams) error {
	var o fetchOptions
	flags := o.flags()
	if err := parse(flags, fetchAbout, args, std); err != nil {
		return err
	}
	o.hasData = flags.Changed("data")
	urls := flags.Args()
	if err := o.check(urls); err != nil {
		return usageError{err}
	}
	in, err := o.init()
	if err != nil {
		return usageError{err}
	}
	var body []byte
	if o.hasData {
		if body, err = readData(ctx, o.data, std.in); err != nil {
			return fmt.Errorf("--data: %w", err)
		}
	}
	return o.inSession(ctx, func(ses *session.Session) error {
		return o.fetchAll(ctx, ses, urls, in, body, std)
	})
}

func (o *fetchOptions) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("fetch", pflag.ContinueOnError)
	f.StringVarP(&o.method, "method", "X", "", "request `METHOD`; GET, or POST with --data")
	f.BoolVarP(&o.head, "head", "I", false, "request the head alone and print it")
	f.StringArrayVarP(&o.headers, "header", "H", nil, "send the field `\"NAME: VALUE\"`; may be repeated")
	f.StringVarP(&o.data, "data", "d", "", "send `TEXT` as the body, or the content of a file as @FILE, of standard input as @-")
	f.StringVarP(&o.output, "output", "o", "", "write the body to `FILE`, which appears, or is replaced, once the body is whole")
	f.BoolVarP(&o.include, "include", "i", false, "print the response head before the body, always to standard output")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "print how the response came and how long each step took, to standard error")
	f.StringVar(&o.netlog, "netlog", "", "record the session's NetLog in `FILE`, for Chromium's viewer")
	f.StringVar(&o.cacert, "cacert", "", "trust the authorities in `FILE` (PEM) besides the system's")
	f.DurationVarP(&o.maxTime, "max-time", "m", 0, "give each URL this much `TIME`, as 30s; 0 is no limit")
	f.StringVar(&o.redirect, "redirect", "follow", "what to do with a redirect: `MODE` is follow, error or manual")
	f.StringVarP(&o.userAgent, "user-agent", "A", "", "send User-Agent `TEXT` instead of Chromium's")
	o.profile.add(f)
	f.BoolVarP(&o.silent, "silent", "s", false, "show no progress bar")
	return f
}

// check finds what is wrong before anything is sent.
func (o *fetchOptions) check(urls []string) error {
	switch {
	case len(urls) == 0:
		return errors.New("no URL given")
	case len(urls) > 1 && o.output != "":
		return errors.New("--output takes the body of one URL")
	case o.head && o.method != "":
		return errors.New("--head is a method: it does not go with --method")
	case o.head && o.hasData:
		return errors.New("--head sends no --data")
	case o.head && o.output != "":
		return errors.New("--head receives no body for --output")
	case o.maxTime < 0:
		return fmt.Errorf("--max-time %v is negative", o.maxTime)
	}
	for i, s := range urls {
		if _, err := fetch.ParseURL(s); err != nil {
			// Not s itself: who knows what secret hides in what is no URL.
			return fmt.Errorf("URL %d: %w", i+1, err)
		}
	}
	return nil
}

// init is what the requests have in common.
func (o *fetchOptions) init() (fetch.Init, error) {
	in := fetch.Init{Method: o.method}
	switch {
	case o.head:
		in.Method = "HEAD"
	case o.hasData && o.method == "":
		in.Method = "POST"
	}
	switch o.redirect {
	case "follow":
	case "error":
		in.Redirect = fetch.RedirectError
	case "manual":
		in.Redirect = fetch.RedirectManual
	default:
		return in, fmt.Errorf("--redirect is follow, error or manual, not %q", o.redirect)
	}
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return in, errors.New(`--header wants "NAME: VALUE", and there is one without a colon`)
		}
		in.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if o.hasData && !in.Header.Has("Content-Type") {
		in.Header.Add("Content-Type", "application/x-www-form-urlencoded")
	}
	return in, nil
}

// inSession runs use in a session of its own.
func (o *fetchOptions) inSession(ctx context.Context, use func(*session.Session) error) error {
	cfg := session.Config{UserAgent: o.userAgent}
	if err := o.profile.apply(&cfg); err != nil {
		return err
	}
	if o.cacert != "" {
		roots, err := readCertificates(o.cacert)
		if err != nil {
			return fmt.Errorf("--cacert: %w", err)
		}
		cfg.TLS = tls.Config{Verifier: certverify.New(certverify.Config{ExtraRoots: roots})}
	}
	return withSession(ctx, cfg, o.netlog, use)
}

// fetchAll fetches urls in turn. One that fails does not keep the next from being
// tried, unless no other could do better.
func (o *fetchOptions) fetchAll(ctx context.Context, ses *session.Session, urls []string, in fetch.Init, body []byte, std streams) error {
	failed := 0
	for _, u := range urls {
		if o.hasData {
			in.Body = bytes.NewReader(body)
		}
		err := o.fetch(ctx, ses, u, &in, std)
		switch {
		case err == nil:
		case len(urls) == 1, ctx.Err() != nil, errors.Is(err, neterr.InvalidArgument):
			return err
		default:
			complain(std.err, "fetch "+publicURL(u), err)
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d URLs failed", failed, len(urls))
	}
	return nil
}

func (o *fetchOptions) fetch(ctx context.Context, ses *session.Session, u string, in *fetch.Init, std streams) (err error) {
	if o.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.maxTime)
		defer cancel()
		defer func() {
			if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				err = fmt.Errorf("--max-time %v is over: %w", o.maxTime, err)
			}
		}()
	}
	// Before the request: it may have effects that a full disk or a misspelt
	// folder should have prevented.
	out, err := openOutput(o.output, std.out)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	defer out.discard()
	start := time.Now()
	resp, err := ses.Fetch(ctx, u, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if o.include || o.head {
		if err := printHead(std.out, resp); err != nil {
			return err
		}
	}
	n, err := o.copyBody(out, resp, std.err)
	if o.verbose {
		printTiming(std.err, resp, time.Since(start), n)
	}
	if err != nil {
		return fmt.Errorf("after %d bytes of the body: %w", n, err)
	}
	return out.commit()
}

// copyBody copies the body to out, under a progress bar if there is to be one.
func (o *fetchOptions) copyBody(out *output, resp *fetch.Response, screen io.Writer) (int64, error) {
	p := o.bar(out.Writer, screen)
	if p == nil {
		return io.Copy(out, resp.Body)
	}
	p.total = resp.ContentLength
	defer p.clear()
	return io.Copy(out, p.reader(resp.Body))
}

// bar returns a progress bar on screen, or nil if that is no terminal or the body
// itself is shown on one.
func (o *fetchOptions) bar(body, screen io.Writer) *progress {
	t := terminal(screen)
	if o.silent || t == nil || terminal(body) != nil {
		return nil
	}
	return &progress{w: t, columns: t.columns, total: -1, start: time.Now()}
}

// printHead prints the status line and the header fields as HTTP/1.1 sends them.
func printHead(w io.Writer, resp *fetch.Response) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %d %s\r\n", resp.Proto, resp.Status, resp.StatusText)
	for name, value := range resp.Header.All() {
		fmt.Fprintf(&b, "%s: %s\r\n", name, value)
	}
	b.WriteString("\r\n")
	_, err := w.Write(b.Bytes())
	return err
}

// publicURL is the URL without what may be secret: user info, query and fragment.
func publicURL(s string) string {
	u, err := fetch.ParseURL(s)
	if err != nil {
		return "a URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}
