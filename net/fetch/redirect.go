package fetch

import (
	"io"
	"net/http/httptrace"
	"net/url"
	"strings"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// maxRedirects is how many redirects one fetch follows (Fetch Standard section 4.4).
const maxRedirects = 20

// A chain is one fetch over all its hops: what the next one sends, and to where.
type chain struct {
	f        *Fetcher
	init     Init // as normalised
	method   string
	target   target
	fields   exchange.Fields // the caller's
	body     *upload
	trace    *httptrace.ClientTrace
	referrer referrer
	policy   ReferrerPolicy
	site     site
	tainted  bool       // an Origin field crossed origins: from now on it says "null"
	urls     []string   // where it was, the current one last
	via      []*url.URL // the same, without the current one
	cookieAt int        // where in the coming hop's header the template has Cookie
}

// request makes the request of the coming hop.
func (c *chain) request(src netlog.Source) (*exchange.Request, error) {
	body, err := c.body.take()
	if err != nil {
		return nil, err
	}
	r := &exchange.Request{
		Method: c.method, URL: c.target.url, Header: c.header(), Via: c.via,
		Priority: c.init.Priority, LoadFlags: c.init.loadFlags(), Credentials: c.credentials(),
		SecureDNS: c.init.SecureDNS, Key: c.init.Key, NetLog: src, Trace: c.trace,
	}
	r.Close = strings.Contains(strings.ToLower(c.fields.Get("Connection")), "close")
	if body != nil {
		r.Body, r.GetBody, r.ContentLength = body, c.body.again, c.body.length
	}
	return r, nil
}

// credentials says whether they go to the coming hop: the layers below know nothing
// of who asks.
func (c *chain) credentials() exchange.Credentials {
	if c.init.Credentials != exchange.SameOrigin {
		return c.init.Credentials
	}
	if c.init.Origin == c.target.origin && !c.tainted {
		return exchange.Include
	}
	return exchange.Omit
}

// page is who asks, as far as the coming hop's cookies care.
func (c *chain) page() page {
	return page{
		initiator: c.init.Origin.Site(),
		topLevel:  c.init.Mode == ModeNavigate && c.init.Destination == "document",
		cookieAt:  c.cookieAt,
	}
}

// redirectLocation returns where a response sends its reader; empty if nowhere.
func redirectLocation(resp *exchange.Response) string {
	switch resp.Status {
	case 301, 302, 303, 307, 308:
		return resp.Header.Get("Location")
	}
	return ""
}

// redirect makes c ready for the hop that a response's Location asks for (Chromium:
// RedirectInfo::ComputeRedirectInfo, RedirectUtil::UpdateHttpRequest).
func (c *chain) redirect(resp *exchange.Response, location string) error {
	if c.init.Redirect == RedirectError {
		return &neterr.Error{Code: neterr.Failed, Op: "redirect", Addr: c.target.origin.String(), Err: errRedirectMode}
	}
	if len(c.urls) > maxRedirects {
		return &neterr.Error{Code: neterr.TooManyRedirects, Op: "redirect", Addr: c.target.origin.String()}
	}
	from := c.target
	to, err := from.resolve(location)
	if err != nil {
		return redirectError(err, &from)
	}
	if to.fragment == "" && from.fragment != "" {
		to.fragment = from.fragment
		to.href += from.fragment
	}
	if method := redirectMethod(resp.Status, c.method); method != c.method {
		c.method = method
		c.body.close()
		c.body.none = true
		for _, name := range [...]string{"Content-Type", "Content-Encoding", "Content-Language", "Content-Location"} {
			c.fields.Del(name)
		}
	}
	if from.origin != to.origin {
		// As Chromium's pages do. Its network stack sends them on.
		for _, name := range [...]string{"Authorization", "Proxy-Authorization", "Cookie"} {
			c.fields.Del(name)
		}
		c.tainted = c.tainted || c.originField() != ""
	}
	if from.origin.Trustworthy() && !to.origin.Trustworthy() {
		c.fields = withoutHints(c.fields)
	}
	c.policy = updatedPolicy(c.policy, resp.Header)
	c.via = append(c.via, from.url)
	c.target = to
	return c.arrive()
}

const errRedirectMode = argError("Attempted to redirect, but redirect policy was 'error'")

// redirectError names the failure of a target as redirects do.
func redirectError(err error, from *target) error {
	e := &neterr.Error{Code: neterr.CodeOf(err), Op: "redirect", Addr: from.origin.String(), Err: err}
	switch e.Code {
	case neterr.InvalidURL:
		e.Code = neterr.InvalidRedirect
	case neterr.DisallowedURLScheme:
		e.Code = neterr.UnsafeRedirect
	default: // an unknown scheme stays one
		return err
	}
	e.Err = nil // it would answer for the other code, too
	return e
}

// redirectMethod returns the method after a redirect (RFC 9110 section 15.4, as
// practised).
func redirectMethod(status int, method string) string {
	switch {
	case status == 303 && method != "HEAD":
		return "GET"
	case (status == 301 || status == 302) && method == "POST":
		return "GET"
	}
	return method
}

// withoutHints removes what only trustworthy servers are told.
func withoutHints(f exchange.Fields) exchange.Fields {
	kept := f[:0]
	for _, field := range f {
		name := strings.ToLower(field.Name)
		if !strings.HasPrefix(name, "sec-ch-") && !strings.HasPrefix(name, "sec-fetch-") {
			kept = append(kept, field)
		}
	}
	return kept
}

// updatedPolicy is p, or the last policy that Referrer-Policy names (W3C Referrer
// Policy section 8.1).
func updatedPolicy(p ReferrerPolicy, h exchange.Fields) ReferrerPolicy {
	for value := range h.Values("Referrer-Policy") {
		for token := range strings.SplitSeq(value, ",") {
			if token = strings.TrimSpace(token); token != "" {
				if known, ok := ParseReferrerPolicy(token); ok {
					p = known
				}
			}
		}
	}
	return p
}

// maxAbandoned is how much of a redirect's body is worth reading to keep the
// connection.
const maxAbandoned = 2 << 10

// abandon closes the body of a response that nobody gets to see.
func abandon(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxAbandoned)
	body.Close()
}
