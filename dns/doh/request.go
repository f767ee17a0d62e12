package doh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// mediaType is that of a DNS message (RFC 8484 section 6).
const mediaType = "application/dns-message"

// maxResponse is how long a DNS message can be.
const maxResponse = 1<<16 - 1

// A result is how an attempt to ask a server ended.
type result struct {
	server int
	answer *dnswire.Answer // nil with err
	err    error
	took   time.Duration // until a message came that could be read; -1 if none did
	msg    []byte        // that came, if one did
	log    netlog.Source
}

// begin logs that a question goes out. ask logs the end.
func begin(log netlog.Source, name string, t dnswire.Type) {
	log.Begin(netlog.DohURLRequest, netlog.String("hostname", name), netlog.Int("query_type", t))
}

// ask sends the question q, packed in msg, to server i.
func (c *Client) ask(ctx context.Context, i int, q dnswire.Question, msg []byte, log netlog.Source) result {
	r := result{server: i, log: log, took: -1}
	start := time.Now()
	r.msg, r.err = c.exchange(ctx, &c.servers[i], msg, log)
	log.EndErr(netlog.DohURLRequest, r.err)
	if r.err != nil {
		return r
	}
	r.answer, r.err = dnswire.Parse(r.msg, q, 0)
	if errors.Is(r.err, dnswire.ErrMismatch) || errors.Is(r.err, neterr.DNSServerRequiresTCP) {
		// Over HTTP there is neither a stranger's answer nor one that had no room.
		r.err = malformed(&c.servers[i], r.err)
	}
	if !errors.Is(r.err, neterr.DNSMalformedResponse) {
		r.took = time.Since(start)
	}
	return r
}

// exchange sends msg and returns the message that came back.
func (c *Client) exchange(ctx context.Context, s *Server, msg []byte, log netlog.Source) ([]byte, error) {
	ctx, req, err := c.request(ctx, s, msg, log)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.RoundTrip(ctx, req)
	switch {
	case err == nil:
	case neterr.CodeOf(err) == neterr.NameNotResolved:
		return nil, &neterr.Error{
			Code: neterr.DNSSecureResolverHostnameResolutionFailed, Op: "dns over https", Addr: s.host, Err: err,
		}
	default:
		return nil, neterr.FromOp("dns over https", err)
	}
	defer resp.Body.Close()
	return read(s, resp)
}

// request makes what Chromium sends: fields in its order, no credentials, cache or
// proxy. The context tells Kaon's transport the same behind net/http's types.
func (c *Client) request(ctx context.Context, s *Server, msg []byte, log netlog.Source) (context.Context, *exchange.Request, error) {
	u, err := s.url(msg)
	if err != nil {
		return nil, nil, &neterr.Error{Code: neterr.InvalidURL, Op: "dns over https", Addr: s.host, Err: err}
	}
	o := &exchange.Options{
		Priority:    exchange.Idle,
		LoadFlags:   exchange.DisableCache | exchange.BypassProxy,
		Credentials: exchange.Omit,
		SecureDNS:   exchange.SecureDNSBootstrap,
		Key:         c.key,
	}
	req := &exchange.Request{
		Method: http.MethodGet, URL: u,
		Header: exchange.FieldsOf(
			"Accept", mediaType,
			"Accept-Language", "*",
			"User-Agent", "Chrome",
			"Accept-Encoding", "identity",
		),
		NetLog: log,
	}
	if s.get == nil {
		req.Method = http.MethodPost
		req.Header.Add("Content-Type", mediaType)
		req.ContentLength = int64(len(msg))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(msg)), nil }
		req.Body = io.NopCloser(bytes.NewReader(msg))
		o.LoadFlags |= exchange.RetryAnyMethod // to ask twice does no harm
	}
	req.Priority, req.LoadFlags, req.Credentials = o.Priority, o.LoadFlags, o.Credentials
	req.SecureDNS, req.Key = o.SecureDNS, o.Key
	return exchange.WithOptions(ctx, o), req, nil
}

// read takes the message out of a response that has one.
func read(s *Server, resp *exchange.Response) ([]byte, error) {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	switch {
	case resp.Status != http.StatusOK:
		return nil, malformed(s, fmt.Errorf("status %d", resp.Status))
	case !strings.EqualFold(strings.TrimSpace(kind), mediaType):
		return nil, malformed(s, errNotDNS)
	case resp.ContentLength > maxResponse:
		return nil, malformed(s, errLong)
	}
	msg, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, neterr.FromOp("dns over https", err)
	case len(msg) > maxResponse:
		return nil, malformed(s, errLong)
	case len(msg) == 0:
		return nil, malformed(s, errEmpty)
	}
	return msg, nil
}

var (
	errNotDNS = errors.New("the response is not of type " + mediaType)
	errLong   = errors.New("the response is too long")
	errEmpty  = errors.New("the response is empty")
)

func malformed(s *Server, err error) error {
	return &neterr.Error{Code: neterr.DNSMalformedResponse, Op: "dns over https", Addr: s.host, Err: err}
}
