package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/neterr"
)

// HTTP returns an http.RoundTripper that answers through rt and keeps net/http's
// contract: it does not change the request, always closes its Body, reports no
// redirect and no status as an error, and gives a 101 response a Body that can be
// written.
//
// [Options] in the request's context say what http.Request has no field for. If rt
// has a method CloseIdleConnections, so has the result.
func HTTP(rt RoundTripper) http.RoundTripper { return &httpAdapter{rt} }

type httpAdapter struct{ next RoundTripper }

// CloseIdleConnections is what http.Client.CloseIdleConnections calls.
func (a *httpAdapter) CloseIdleConnections() {
	if c, ok := a.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A call is one request through the adapter, in one allocation.
type call struct {
	req     Request
	resp    http.Response
	fields  [8]Field
	values  [12]string // of the usual response header
	trailer trailerBody
}

func (a *httpAdapter) RoundTrip(hr *http.Request) (*http.Response, error) {
	if err := check(hr); err != nil {
		if hr.Body != nil {
			hr.Body.Close()
		}
		return nil, err
	}
	c := &call{}
	ctx := hr.Context()
	c.fill(hr)
	var opts *Options
	if ctx != context.Background() {
		c.req.Trace = httptrace.ContextClientTrace(ctx)
		if opts = optionsOf(ctx); opts != nil {
			c.req.Priority, c.req.LoadFlags, c.req.Credentials = opts.Priority, opts.LoadFlags, opts.Credentials
			c.req.SecureDNS, c.req.Key = opts.SecureDNS, opts.Key
		}
	}
	var legacy context.CancelCauseFunc
	//lint:ignore SA1019 http.Client still sets Cancel for its own Timeout.
	if hr.Cancel != nil {
		ctx, legacy = watchCancel(ctx, hr)
	}
	resp, err := a.next.RoundTrip(ctx, &c.req)
	if err != nil {
		if legacy != nil {
			legacy(nil)
		}
		return nil, err
	}
	if opts != nil && opts.OnInfo != nil {
		opts.OnInfo(&resp.Info)
	}
	c.answer(hr, resp)
	if legacy != nil {
		c.resp.Body = &closeHook{c.resp.Body, func() { legacy(nil) }}
	}
	return &c.resp, nil
}

// check is what http.Transport refuses, in its words where programs may look for
// them.
func check(hr *http.Request) error {
	switch {
	case hr.URL == nil:
		return &neterr.Error{Code: neterr.InvalidURL, Err: errors.New("http: nil Request.URL")}
	case hr.Header == nil:
		return &neterr.Error{Code: neterr.InvalidArgument, Err: errors.New("http: nil Request.Header")}
	case hr.URL.Scheme != "http" && hr.URL.Scheme != "https":
		return &neterr.Error{Code: neterr.UnknownURLScheme, Err: fmt.Errorf("unsupported protocol scheme %q", hr.URL.Scheme)}
	case hr.URL.Host == "":
		return &neterr.Error{Code: neterr.InvalidURL, Err: errors.New("http: no Host in request URL")}
	case hr.Method != "" && !httpguts.ValidHeaderFieldName(hr.Method):
		return &neterr.Error{Code: neterr.InvalidArgument, Err: fmt.Errorf("net/http: invalid method %q", hr.Method)}
	}
	for name, values := range hr.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return &neterr.Error{Code: neterr.InvalidArgument, Err: fmt.Errorf("net/http: invalid header field name %q", name)}
		}
		for _, v := range values {
			if !IsFieldValue(v) {
				return &neterr.Error{Code: neterr.InvalidArgument, Err: fmt.Errorf("net/http: invalid header field value for %q", name)}
			}
		}
	}
	return nil
}

func (c *call) fill(hr *http.Request) {
	r := &c.req
	r.Method, r.URL, r.Host, r.Close = hr.Method, hr.URL, hr.Host, hr.Close
	if r.Host == hr.URL.Host {
		r.Host = ""
	}
	if hr.Response != nil {
		r.Via = via(hr)
	}
	r.Header = FromHTTPHeader(c.fields[:0], hr.Header)
	if hr.Body != nil && hr.Body != http.NoBody {
		r.Body, r.GetBody, r.ContentLength = hr.Body, hr.GetBody, hr.ContentLength
		if r.ContentLength == 0 {
			r.ContentLength = -1
		}
		if hr.Trailer != nil {
			for name := range hr.Trailer {
				r.TrailerNames = append(r.TrailerNames, name)
			}
			r.Trailer = func() Fields { return FromHTTPHeader(nil, hr.Trailer) }
		}
	} else if hr.Body != nil {
		hr.Body.Close()
	}
}

// maxVia is how many redirects are looked back on: more than http.Client follows, and
// an end where a program ties requests and responses to a ring.
const maxVia = 64

// via is how hr came to be: http.Client leaves the response that redirected in the
// request that follows it.
func via(hr *http.Request) []*url.URL {
	var urls []*url.URL
	for len(urls) < maxVia && hr.Response != nil && hr.Response.Request != nil && hr.Response.Request.URL != nil {
		hr = hr.Response.Request
		urls = append(urls, hr.URL)
	}
	slices.Reverse(urls)
	return urls
}

func (c *call) answer(hr *http.Request, resp *Response) {
	r := &c.resp
	r.Request = hr
	r.StatusCode = resp.Status
	r.Status = statusLine(resp)
	r.Proto = resp.Proto
	r.ProtoMajor, r.ProtoMinor = protoVersion(resp.Proto)
	r.Header = httpHeader(resp.Header, c.values[:])
	r.ContentLength, r.Uncompressed, r.Close = resp.ContentLength, resp.Uncompressed, resp.Close
	r.TLS = resp.Info.TLS
	r.Body = resp.Body
	if resp.Close && HasToken(resp.Header.Get("Connection"), "close") {
		delete(r.Header, "Connection") // Close says it, as in net/http
	}
	if resp.Uncompressed {
		delete(r.Header, "Content-Encoding")
		delete(r.Header, "Content-Length")
		r.ContentLength = -1
	}
	if resp.Trailer != nil {
		if te := r.Header["Transfer-Encoding"]; te != nil {
			delete(r.Header, "Transfer-Encoding")
			r.TransferEncoding = []string{"chunked"}
		}
		r.Trailer = announced(r.Header)
		c.trailer = trailerBody{ReadCloser: resp.Body, resp: r, fields: resp.Trailer}
		r.Body = &c.trailer
		if _, ok := resp.Body.(io.WriterTo); ok {
			r.Body = trailerWriterTo{&c.trailer}
		}
	}
}

// announced takes the names that the Trailer field promises, as net/http does.
func announced(h http.Header) http.Header {
	list, ok := h["Trailer"]
	if !ok {
		return nil
	}
	delete(h, "Trailer")
	t := make(http.Header)
	for _, names := range list {
		for name := range strings.SplitSeq(names, ",") {
			if name = http.CanonicalHeaderKey(strings.TrimSpace(name)); name != "" {
				t[name] = nil
			}
		}
	}
	return t
}

// A trailerBody fills Response.Trailer when the body ends.
type trailerBody struct {
	io.ReadCloser
	resp   *http.Response
	fields func() Fields
}

func (b *trailerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.ended()
	}
	return n, err
}

func (b *trailerBody) ended() {
	if b.fields == nil {
		return
	}
	for _, f := range b.fields() {
		if b.resp.Trailer == nil {
			b.resp.Trailer = make(http.Header)
		}
		b.resp.Trailer.Add(f.Name, f.Value)
	}
	b.fields = nil
}

// A trailerWriterTo is a trailerBody whose body is an io.WriterTo.
type trailerWriterTo struct{ *trailerBody }

func (b trailerWriterTo) WriteTo(w io.Writer) (int64, error) {
	n, err := b.ReadCloser.(io.WriterTo).WriteTo(w)
	if err == nil {
		b.ended()
	}
	return n, err
}

// statusLine is what http.Response.Status holds: "200 OK".
func statusLine(resp *Response) string {
	if resp.Status == 200 && (resp.StatusText == "OK" || resp.StatusText == "") {
		return "200 OK" // nearly always, and then no allocation
	}
	text := resp.StatusText
	if text == "" && strings.HasPrefix(resp.Proto, "HTTP/2") {
		text = http.StatusText(resp.Status)
	}
	return strings.TrimSuffix(fmt.Sprintf("%03d %s", resp.Status, text), " ")
}

func protoVersion(proto string) (major, minor int) {
	switch proto {
	case "HTTP/1.1":
		return 1, 1
	case "HTTP/2.0":
		return 2, 0
	case "HTTP/3.0":
		return 3, 0
	case "HTTP/1.0":
		return 1, 0
	}
	return 0, 9
}

// watchCancel gives http.Request's old Cancel channel a context: http.Client uses
// both for its Timeout when the RoundTripper is not std's.
func watchCancel(ctx context.Context, hr *http.Request) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	//lint:ignore SA1019 see RoundTrip.
	ch := hr.Cancel
	go func() {
		select {
		case <-ch:
			cancel(errRequestCanceled)
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// errRequestCanceled is the cause when a request's Cancel channel was closed. The
// words are net/http's.
var errRequestCanceled = &neterr.Error{Code: neterr.Aborted, Err: errors.New("net/http: request canceled")}

// A closeHook runs f once when the body was read to its end or closed.
type closeHook struct {
	io.ReadCloser
	f func()
}

func (h *closeHook) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	if err != nil {
		h.f()
	}
	return n, err
}

func (h *closeHook) Write(p []byte) (int, error) {
	if w, ok := h.ReadCloser.(io.Writer); ok {
		return w.Write(p)
	}
	return 0, errors.ErrUnsupported
}

func (h *closeHook) Close() error {
	defer h.f()
	return h.ReadCloser.Close()
}

// From returns a RoundTripper that answers through an http.RoundTripper, so that
// one layer of Kaon, the cache say, can stand around any client.
func From(rt http.RoundTripper) RoundTripper {
	if a, ok := rt.(*httpAdapter); ok {
		return a.next // nothing is lost on the way there and back
	}
	return fromAdapter{rt}
}

type fromAdapter struct{ next http.RoundTripper }

func (a fromAdapter) RoundTrip(ctx context.Context, req *Request) (*Response, error) {
	hr := (&http.Request{
		Method: req.Method, URL: req.URL, Host: req.Host, Close: req.Close,
		Header: HTTPHeader(req.Header), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Body: req.Body, ContentLength: req.ContentLength, GetBody: req.GetBody,
	}).WithContext(ctx)
	if req.Method == "" {
		hr.Method = http.MethodGet
	}
	if req.URL == nil {
		hr.URL = &url.URL{}
	}
	if req.Trailer != nil {
		hr.Trailer = make(http.Header)
		for _, name := range req.TrailerNames {
			hr.Trailer[http.CanonicalHeaderKey(name)] = nil
		}
		if req.Body != nil {
			hr.Body = &trailerFiller{req.Body, hr.Trailer, req.Trailer}
		}
	}
	resp, err := a.next.RoundTrip(hr)
	if err != nil {
		return nil, neterr.From(err)
	}
	r := &Response{
		Status: resp.StatusCode, Proto: resp.Proto, Header: FromHTTPHeader(nil, resp.Header),
		Body: resp.Body, ContentLength: resp.ContentLength, Uncompressed: resp.Uncompressed, Close: resp.Close,
	}
	_, r.StatusText, _ = strings.Cut(resp.Status, " ")
	r.Info.TLS = resp.TLS
	r.Trailer = func() Fields { return FromHTTPHeader(nil, resp.Trailer) }
	return r, nil
}

// A trailerFiller sets the request's trailer when its body ended, which is when
// net/http looks at it.
type trailerFiller struct {
	io.ReadCloser
	into   http.Header
	fields func() Fields
}

func (t *trailerFiller) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	if err == io.EOF {
		for _, f := range t.fields() {
			t.into.Set(f.Name, f.Value)
		}
	}
	return n, err
}
