package fetch

import (
	"context"
	"errors"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// RoundTrip does one hop, with net/http's manners: no redirect is followed, and
// nothing is added but User-Agent, Accept-Encoding and Accept-Language where req has
// none. A User-Agent field that is empty sends none. The body comes decoded if
// Accept-Encoding was not the caller's; Uncompressed then says so, and
// Content-Encoding is still there.
//
// Restricted ports are refused, as in Fetch. Cookies go along as with a Fetch of the
// program's own: Via says where the chain began, and a Cookie field that is there stays
// as it is. Credentials of SameOrigin end with the first redirect to another origin.
func (f *Fetcher) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	o, err := f.check(req)
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	decode := f.addDefaults(req, o.Trustworthy())
	src := f.log.Source(netlog.SourceURLRequest)
	req.NetLog = src
	if src.On() {
		t := target{url: req.URL, href: urlString(req.URL), origin: o}
		beginRequest(src, req.Priority, &t)
	}
	if req.Credentials == exchange.SameOrigin {
		req.Credentials = alongChain(req, o)
	}
	resp, sent, err := f.hop(ctx, req, page{cookieAt: -1})
	if !sent {
		req.CloseBody()
	}
	if err == nil && decode {
		resp, err = f.decode(req, resp)
	}
	if err != nil {
		src.EndErr(netlog.RequestAlive, err)
		return nil, err
	}
	resp.Body = logBody(src, resp.Body)
	return resp, nil
}

// check says whether a request may go out, and to which origin.
func (f *Fetcher) check(req *exchange.Request) (origin.Origin, error) {
	if req.URL == nil {
		return origin.Origin{}, &neterr.Error{Code: neterr.InvalidURL, Op: "fetch", Err: errors.New("no URL")}
	}
	if s := req.URL.Scheme; s != "http" && s != "https" {
		return origin.Origin{}, &neterr.Error{Code: neterr.UnknownURLScheme, Op: "fetch"}
	}
	o := origin.Of(req.URL)
	if o.IsOpaque() {
		return o, &neterr.Error{Code: neterr.InvalidURL, Op: "fetch", Err: errors.New("no valid host")}
	}
	return o, f.CheckPort(o)
}

// addDefaults adds the fields that the caller leaves to the browser, and reports
// whether the response is to be decoded.
func (f *Fetcher) addDefaults(req *exchange.Request, trustworthy bool) (decode bool) {
	id := f.identity.Load()
	switch ua, ok := req.Header.Lookup("User-Agent"); {
	case !ok:
		req.Header.Add("User-Agent", id.userAgent)
	case ua == "":
		req.Header.Del("User-Agent")
	}
	if !req.Header.Has("Accept-Encoding") {
		accepted := f.acceptEncoding(trustworthy, req.Header)
		req.Header.Add("Accept-Encoding", accepted)
		decode = accepted != "identity"
	}
	if !req.Header.Has("Accept-Language") {
		req.Header.Add("Accept-Language", id.languages)
	}
	return decode
}

// alongChain is what SameOrigin means for a hop to o that nobody's page makes: as in a
// chain, what once was elsewhere has no credentials any more.
func alongChain(req *exchange.Request, o origin.Origin) exchange.Credentials {
	for _, u := range req.Via {
		if origin.Of(u) != o {
			return exchange.Omit
		}
	}
	return exchange.Include
}

// hop sends one request and waits for the head of its response. Everything that
// happens once for each request on the wire happens here, in this order, whoever
// asked for it; what needs the whole chain is around it. A request that was not sent,
// because its answer is known, still has its Body.
func (f *Fetcher) hop(ctx context.Context, req *exchange.Request, p page) (resp *exchange.Response, sent bool, err error) {
	beginHop(req)
	if f.mustUpgrade(req) {
		resp = upgrade(req, "HSTS")
		req.NetLog.End(netlog.URLRequestStartJob)
		return resp, false, nil
	}
	f.attachCookies(req, &p)
	resp, err = f.next.RoundTrip(ctx, req)
	switch err = neterr.From(err); { // Next may be anybody's
	case err == nil:
		f.remember(req, resp, &p)
	case req.URL.Scheme == "http" && errors.Is(err, neterr.DNSNameHTTPSOnly):
		resp, err = upgrade(req, "DNS"), nil
	}
	req.NetLog.EndErr(netlog.URLRequestStartJob, err)
	return resp, true, err
}

// decode undoes the response's content codings. On failure there is no response.
func (f *Fetcher) decode(req *exchange.Request, resp *exchange.Response) (*exchange.Response, error) {
	if !resp.Header.Has("Content-Encoding") || !hasBody(req, resp) {
		return resp, nil
	}
	body, decoded, err := f.decoders.Decode(resp.Body, resp.Header.Values("Content-Encoding"))
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	if decoded {
		resp.Body, resp.Uncompressed, resp.ContentLength = body, true, -1
	}
	return resp, nil
}

// hasBody reports whether a body may follow the response's head. What follows a 101
// is another protocol.
func hasBody(req *exchange.Request, resp *exchange.Response) bool {
	switch resp.Status {
	case 101, 204, 304:
		return false
	}
	return req.Method != "HEAD" && resp.ContentLength != 0
}
