package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/dns/doh"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/session"
)

const resolveAbout = `Usage: kaon resolve [options] HOST...

Resolves host names one after another in one session, as Chromium would, and prints
their addresses in the order to try them. A name given twice shows what is remembered.
`

// resolveOptions are the command line of kaon resolve. Their words are Electron's.
type resolveOptions struct {
	queryType, source, cacheUsage, policy string
	scheme                                string
	builtIn                               bool
	servers                               []string // of names, in the clear
	mode                                  string
	secure                                []string // templates
	rules                                 string
	netlog                                string
	maxTime                               time.Duration
}

func runResolve(ctx context.Context, args []string, std streams) error {
	var o resolveOptions
	flags := o.flags()
	if err := parse(flags, resolveAbout, args, std); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return usageError{errors.New("no host given")}
	}
	cfg, err := o.config()
	if err != nil {
		return usageError{err}
	}
	options, err := o.options()
	if err != nil {
		return usageError{err}
	}
	return withSession(ctx, session.Config{DNS: cfg}, o.netlog, func(ses *session.Session) error {
		failed := 0
		for _, host := range flags.Args() {
			if err := o.resolve(ctx, ses, host, options, std.out); err != nil {
				if ctx.Err() != nil || flags.NArg() == 1 {
					return err
				}
				complain(std.err, "resolve", err)
				failed++
			}
		}
		if failed > 0 {
			return fmt.Errorf("%d of %d hosts failed", failed, flags.NArg())
		}
		return nil
	})
}

func (o *resolveOptions) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("resolve", pflag.ContinueOnError)
	f.StringVarP(&o.queryType, "type", "t", "any", "ask for addresses of `TYPE` A, AAAA, or any of them")
	f.StringVar(&o.source, "source", "any", "who answers: `SOURCE` is any, system, dns, mdns or localOnly")
	f.StringVar(&o.cacheUsage, "cache", "allowed", "`USAGE` of what is remembered: allowed, staleAllowed or disallowed")
	f.StringVar(&o.policy, "secure-dns-policy", "allow", "`POLICY` for this name: allow or disable")
	f.StringVar(&o.scheme, "scheme", "", "ask for HTTPS records, too, as before a connection of `SCHEME` https")
	f.BoolVar(&o.builtIn, "built-in", false, "ask DNS servers before the system's resolver")
	f.StringArrayVar(&o.servers, "server", nil, "ask `ADDRESS[:PORT]` instead of the system's DNS servers; may be repeated")
	f.StringVar(&o.mode, "secure-dns-mode", "off", "`MODE` of DNS over HTTPS: off, automatic or secure")
	f.StringArrayVar(&o.secure, "secure-dns-server", nil, "`TEMPLATE` of a DNS over HTTPS server; may be repeated")
	f.StringVar(&o.rules, "host-resolver-rules", "", "`RULES` as \"MAP *.test 127.0.0.1, EXCLUDE a.test\"")
	f.StringVar(&o.netlog, "netlog", "", "record the session's NetLog in `FILE`, for Chromium's viewer")
	f.DurationVarP(&o.maxTime, "max-time", "m", 0, "give each host this much `TIME`, as 5s; 0 is no limit")
	return f
}

func (o *resolveOptions) config() (cfg dns.Config, err error) {
	if o.builtIn {
		cfg.Client.BuiltInResolver = dns.On
	}
	for _, s := range o.servers {
		server, err := nameserver(s)
		if err != nil {
			return cfg, fmt.Errorf("--server: %w", err)
		}
		cfg.Nameservers = append(cfg.Nameservers, server)
	}
	if cfg.Client.SecureDNSMode, err = word("--secure-dns-mode", o.mode, dns.SecureDNSOff, dns.SecureDNSSecure); err != nil {
		return cfg, err
	}
	for _, template := range o.secure {
		server, err := doh.NewServer(template)
		if err != nil {
			return cfg, fmt.Errorf("--secure-dns-server: %w", err)
		}
		cfg.Client.SecureDNSServers = append(cfg.Client.SecureDNSServers, server)
	}
	if cfg.Rules, err = dns.ParseRules(o.rules); err != nil {
		return cfg, fmt.Errorf("--host-resolver-rules: %w", err)
	}
	return cfg, nil
}

// nameserver reads an address with or without a port.
func nameserver(s string) (netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(addr, 53), nil
	}
	return netip.ParseAddrPort(s)
}

func (o *resolveOptions) options() (opts dns.Options, err error) {
	switch strings.ToUpper(o.queryType) {
	case "ANY":
	case "A":
		opts.QueryType = dns.QueryA
	case "AAAA":
		opts.QueryType = dns.QueryAAAA
	default:
		return opts, fmt.Errorf("--type is A, AAAA or any, not %q", o.queryType)
	}
	switch o.policy {
	case "allow":
	case "disable":
		opts.SecureDNSPolicy = exchange.SecureDNSDisable
	default:
		return opts, fmt.Errorf("--secure-dns-policy is allow or disable, not %q", o.policy)
	}
	if opts.Source, err = word("--source", o.source, dns.SourceAny, dns.SourceLocalOnly); err != nil {
		return opts, err
	}
	opts.Scheme = o.scheme
	opts.CacheUsage, err = word("--cache", o.cacheUsage, dns.CacheAllowed, dns.CacheDisallowed)
	return opts, err
}

// word finds the value that is called s, of those from first to last.
func word[T interface {
	~uint8
	fmt.Stringer
}](flag, s string, first, last T,
) (T, error) {
	var known []string
	for v := first; v <= last; v++ {
		if v.String() == s {
			return v, nil
		}
		known = append(known, v.String())
	}
	return first, fmt.Errorf("%s is one of %s, not %q", flag, strings.Join(known, ", "), s)
}

func (o *resolveOptions) resolve(ctx context.Context, ses *session.Session, host string, opts dns.Options, w io.Writer) error {
	if o.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.maxTime)
		defer cancel()
	}
	start := time.Now()
	res, err := ses.ResolveHost(ctx, host, opts)
	if err != nil {
		return err
	}
	printResult(w, host, &res, time.Since(start))
	return nil
}

func printResult(w io.Writer, host string, res *dns.Result, took time.Duration) {
	fmt.Fprintf(w, "%s, by %s in %v", host, res.Source, took.Round(10*time.Microsecond))
	if res.Cached {
		fmt.Fprint(w, ", remembered")
	}
	if left := time.Until(res.Expires).Round(time.Second); !res.Expires.IsZero() && !res.Stale {
		fmt.Fprintf(w, ", good for %v", left)
	}
	if res.Stale {
		fmt.Fprint(w, ", stale")
	}
	fmt.Fprintln(w)
	if res.CanonicalName != "" && res.CanonicalName != host {
		fmt.Fprintf(w, "  is %s\n", res.CanonicalName)
	}
	for _, a := range res.Addrs {
		fmt.Fprintf(w, "  %v\n", a)
	}
	for _, s := range res.Services {
		fmt.Fprintf(w, "  speaks %s", strings.Join(s.ALPN, ", "))
		if len(s.ECH) > 0 {
			fmt.Fprint(w, ", with ECH")
		}
		fmt.Fprintln(w)
	}
}
