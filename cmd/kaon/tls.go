package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

const tlsAbout = `Usage: kaon tls [options] HOST[:PORT]

Makes a TLS connection as Chromium would, and a second one to see whether the server
resumes the session, and prints what was agreed, the server's certificates and the
verdict on them. The exit status is 1 if that is bad. The port is 443 by default.
`

// tlsOptions are the command line of kaon tls.
type tlsOptions struct {
	cacert    string
	min, max  string
	disabled  []string
	cert, key string
	netlog    string
	maxTime   time.Duration
}

func runTLS(ctx context.Context, args []string, std streams) error {
	var o tlsOptions
	flags := o.flags()
	if err := parse(flags, tlsAbout, args, std); err != nil {
		return err
	}
	p, err := o.prober(flags.Args())
	if err != nil {
		return err
	}
	defer p.client.Close()
	if o.maxTime > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.maxTime)
		defer cancel()
	}
	r, err := p.probe(ctx, o.netlog)
	if err != nil {
		return err
	}
	if err := r.print(std.out); err != nil {
		return err
	}
	return r.refusal
}

func (o *tlsOptions) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("tls", pflag.ContinueOnError)
	f.StringVar(&o.cacert, "cacert", "", "trust the authorities in `FILE` (PEM) besides the system's")
	f.StringVar(&o.min, "min", "", "offer nothing below `VERSION`: tls1, tls1.1, tls1.2 (default) or tls1.3")
	f.StringVar(&o.max, "max", "", "offer nothing above `VERSION`; tls1.3 by default")
	f.StringArrayVar(&o.disabled, "disable-cipher", nil, "do not offer the cipher suite `NUMBER`, as 0xc02b; may be repeated")
	f.StringVar(&o.cert, "cert", "", "show the client certificate in `FILE` (PEM), with its issuers, if the server wants one")
	f.StringVar(&o.key, "key", "", "`FILE` (PEM) with its key; the --cert file by default")
	f.StringVar(&o.netlog, "netlog", "", "record the NetLog in `FILE`, for Chromium's viewer")
	f.DurationVarP(&o.maxTime, "max-time", "m", time.Minute, "give it this much `TIME`; 0 is no limit")
	return f
}

// prober finds what is wrong with the command line before anything is sent.
func (o *tlsOptions) prober(args []string) (*prober, error) {
	if len(args) != 1 {
		return nil, usageError{fmt.Errorf("takes one HOST[:PORT], not %d", len(args))}
	}
	if o.key != "" && o.cert == "" {
		return nil, usageError{errors.New("--key goes with --cert")}
	}
	if o.maxTime < 0 {
		return nil, usageError{fmt.Errorf("--max-time %v is negative", o.maxTime)}
	}
	host, port, err := splitAddress(args[0])
	if err != nil {
		return nil, usageError{err}
	}
	ssl := tls.SSLConfig{MinVersion: o.min, MaxVersion: o.max}
	for _, s := range o.disabled {
		n, err := strconv.ParseUint(s, 0, 16)
		if err != nil {
			return nil, usageError{fmt.Errorf("--disable-cipher wants a number as 0xc02b, not %q", s)}
		}
		ssl.DisabledCipherSuites = append(ssl.DisabledCipherSuites, uint16(n))
	}
	var trust certverify.Config
	if o.cacert != "" {
		if trust.ExtraRoots, err = readCertificates(o.cacert); err != nil {
			return nil, fmt.Errorf("--cacert: %w", err)
		}
	}
	p := &prober{host: host, port: port, judge: certverify.New(trust)}
	// What is bad is to be shown, and for that the handshake has to go on.
	lenient := certverify.New(certverify.Config{Base: p.judge, Proc: acceptAll})
	if p.client, err = tls.NewClient(tls.Config{Verifier: lenient, SSL: ssl}); err != nil {
		return nil, err
	}
	if o.cert != "" {
		if err := p.identify(o.cert, o.key); err != nil {
			p.client.Close()
			return nil, err
		}
	}
	return p, nil
}

// splitAddress reads HOST[:PORT] as a URL has it.
func splitAddress(s string) (host string, port uint16, err error) {
	u, err := fetch.ParseURL("https://" + s)
	if err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(s, "/?#") {
		return "", 0, fmt.Errorf("%q is no HOST[:PORT]", s)
	}
	if u.Port() == "" {
		return u.Hostname(), 443, nil
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Hostname(), uint16(n), err
}

func acceptAll(context.Context, *certverify.Request) error { return nil }

// A prober connects to one server.
type prober struct {
	host   string
	port   uint16
	judge  *certverify.Verifier
	client *tls.Client
	dialer dial.Dialer
}

func (p *prober) identify(certFile, keyFile string) error {
	chain, err := readCertificates(certFile)
	if err != nil {
		return fmt.Errorf("--cert: %w", err)
	}
	if keyFile == "" {
		keyFile = certFile
	}
	key, err := readKey(keyFile)
	if err != nil {
		return fmt.Errorf("--key: %w", err)
	}
	return p.client.SetClientCertificate(p.host, p.port, &tls.ClientCertificate{Chain: chain, Key: key})
}

// probe connects and, to see whether that resumes the session, once more.
func (p *prober) probe(ctx context.Context, logFile string) (r *tlsReport, err error) {
	log := netlog.New(nil)
	if logFile != "" {
		if err := log.StartFile(logFile, netlog.Options{Client: netlog.ClientInfo{Name: "kaon"}}); err != nil {
			return nil, fmt.Errorf("--netlog: %w", err)
		}
		defer func() {
			if stopErr := log.Stop(); err == nil {
				err = stopErr
			}
		}()
	}
	r = &tlsReport{host: net.JoinHostPort(p.host, strconv.Itoa(int(p.port)))}
	start := time.Now()
	conn, err := p.connect(ctx, log)
	var want *tls.ClientAuthError
	if errors.As(err, &want) {
		r.wanted = true
		if err := p.client.SetClientCertificate(p.host, p.port, nil); err != nil {
			return nil, err
		}
		start = time.Now()
		conn, err = p.connect(ctx, log)
	}
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	r.took, r.remote, r.state, r.verdict = time.Since(start), conn.RemoteAddr(), conn.State(), conn.Verdict()
	_, r.refusal = p.judge.Verify(ctx, &certverify.Params{
		Host: p.host, Certificates: r.state.PeerCertificates,
		OCSPResponse: r.state.OCSPResponse, SCTs: r.state.SignedCertificateTimestamps,
	})
	if err := hearOut(conn); err != nil {
		return nil, err // in TLS 1.3 a server refuses a client's certificate only now
	}
	conn.Close() // some servers serve one connection at a time
	if second, err := p.connect(ctx, log); err == nil {
		r.resumed = second.State().DidResume
		second.Close()
	}
	return r, nil
}

func (p *prober) connect(ctx context.Context, log *netlog.Log) (*tls.Conn, error) {
	src := log.Source(netlog.SourceSSLConnectJob)
	d, err := p.dialer.Dial(ctx, &dial.Request{Host: p.host, Port: p.port, NetLog: src})
	if err != nil {
		return nil, err
	}
	defer d.NetLog.End(netlog.SocketAlive)
	return p.client.Handshake(ctx, d.Conn, &tls.Request{Host: p.host, Port: p.port, NetLog: src})
}

// ticketTime is how long a server has to send what a session can be resumed with.
const ticketTime = 500 * time.Millisecond

// hearOut reads what the server says by itself: tickets, an alert, or a greeting.
func hearOut(conn *tls.Conn) error {
	if err := conn.SetReadDeadline(time.Now().Add(ticketTime)); err != nil {
		return nil // it is closed, and the second connection will tell
	}
	_, err := conn.Read(make([]byte, 1))
	if alert := (*neterr.Error)(nil); errors.As(err, &alert) {
		return err
	}
	return nil // silence, the end, or something that is not for us
}
