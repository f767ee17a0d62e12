package cache

import (
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// maxHeader is how many bytes of fields are stored: a head must fit into a store's form.
const maxHeader = store.MaxHead / 2

// whyNot says why a response may not be stored, "" if it may (RFC 9111 section 3). Whether
// its body can be is not asked here.
func whyNot(p *plan, resp *exchange.Response, d *directives) string {
	switch {
	case p.noStore:
		return "no-store in the request"
	case p.method == methodHead:
		return "HEAD"
	case resp.Status < 200 || resp.Status > 599:
		return "status"
	case d.mustUnderstand && !understood(resp.Status):
		return "must-understand"
	case d.noStore && !d.mustUnderstand:
		return "no-store"
	case untrusted(resp):
		return "certificate"
	}
	switch resp.Status {
	case 304, 401, 407, 416:
		return "status"
	case 206:
		if !p.hasRange {
			return "part not asked for"
		}
	}
	if !d.explicit && d.maxAge == absent && !d.badMaxAge && !resp.Header.Has("Expires") && !heuristic(resp.Status) {
		return "no freshness"
	}
	if headerSize(resp.Header) > maxHeader {
		return "header too large"
	}
	return ""
}

// untrusted reports whether the response came over TLS with a certificate that nobody
// verified, as after a certificate error that was overruled.
func untrusted(resp *exchange.Response) bool {
	tls := resp.Info.TLS
	return tls != nil && (len(tls.VerifiedChains) == 0 || len(tls.VerifiedChains[0]) == 0)
}

// heuristic reports whether a response with this status may be stored though nothing says
// so (RFC 9110 section 15.1).
func heuristic(status int) bool {
	switch status {
	case 200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501:
		return true
	}
	return false
}

// understood reports whether the cache knows what a status means (RFC 9111 section
// 5.2.2.3): those of RFC 9110, 418 being none.
func understood(status int) bool {
	switch {
	case 200 <= status && status <= 206, 300 <= status && status <= 305, status == 307, status == 308,
		400 <= status && status <= 417, status == 421, status == 422, status == 426, 500 <= status && status <= 505:
		return true
	}
	return false
}

func headerSize(header exchange.Fields) int {
	n := 0
	for i := range header {
		n += len(header[i].Name) + len(header[i].Value) + 8
	}
	return n
}

// storedHeader appends the fields that may be stored: not those that are of a connection
// (RFC 9111 section 3.1) or of one answer, as a cookie is.
func storedHeader(to, header exchange.Fields) exchange.Fields {
	named := connectionNames(header)
	for _, f := range header {
		if !transient(f.Name) && !hopByHop(f.Name) && !isNamed(named, f.Name) {
			to = append(to, f)
		}
	}
	return to
}

// hopByHop reports whether a field is for one connection.
func hopByHop(name string) bool {
	switch len(name) {
	case 2:
		return exchange.EqualName(name, "TE")
	case 7:
		return exchange.EqualName(name, "Trailer") || exchange.EqualName(name, "Upgrade")
	case 10:
		return exchange.EqualName(name, "Connection") || exchange.EqualName(name, "Keep-Alive")
	case 16:
		return exchange.EqualName(name, "Proxy-Connection")
	case 17:
		return exchange.EqualName(name, "Transfer-Encoding")
	}
	return false
}

// transient reports whether a field is for the one who asked: challenges, cookies and what
// is said about the whole origin.
func transient(name string) bool {
	switch len(name) {
	case 10, 11:
		return exchange.EqualName(name, "Set-Cookie") || exchange.EqualName(name, "Set-Cookie2")
	case 15:
		return exchange.EqualName(name, "Clear-Site-Data")
	case 16:
		return exchange.EqualName(name, "WWW-Authenticate")
	case 18:
		return exchange.EqualName(name, "Proxy-Authenticate")
	case 19:
		return exchange.EqualName(name, "Proxy-Authorization")
	case 25:
		return exchange.EqualName(name, "Strict-Transport-Security") || exchange.EqualName(name, "Proxy-Authentication-Info")
	}
	return false
}

// connectionNames is what the Connection fields name, as one list.
func connectionNames(header exchange.Fields) string {
	list := ""
	for v := range header.Values("Connection") {
		if list != "" {
			v = list + "," + v
		}
		list = v
	}
	return list
}

func isNamed(list, name string) bool { return list != "" && exchange.HasToken(list, name) }
