package message

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/netlog"
)

// A Head is what of a request has to be worked out before it can be encoded.
type Head struct {
	Method, Authority, Scheme, Path string
	Protocol                        string // of an extended CONNECT
	Length                          int64  // for content-length; -1 sends none
	Priority                        string // the field's value; "" sends none
	Urgency                         uint8
	Tunnel                          bool // CONNECT of either kind: DATA both ways
	Bare                            bool // plain CONNECT: neither scheme nor path
}

// HeadOf checks a request, but for its fields, and works out its head. last is the
// connection's.
func HeadOf(req *exchange.Request, last *LastAuthority) (h Head, err error) {
	h.Method = req.Method
	if h.Method == "" {
		h.Method = http.MethodGet
	}
	if !httpguts.ValidHeaderFieldName(h.Method) { // a method is a token, too
		return h, &neterr.Error{Code: neterr.InvalidArgument, Op: "method " + strconv.Quote(h.Method)}
	}
	if req.URL == nil {
		return h, &neterr.Error{Code: neterr.InvalidURL, Op: "request without a URL"}
	}
	h.Tunnel = h.Method == http.MethodConnect
	h.Protocol = req.Protocol
	h.Bare = h.Tunnel && h.Protocol == ""
	if h.Protocol != "" && (!h.Tunnel || !httpguts.ValidHeaderFieldName(h.Protocol)) {
		return h, &neterr.Error{Code: neterr.InvalidArgument, Op: "protocol " + strconv.Quote(h.Protocol)}
	}
	h.Scheme = schemeOf(req.URL.Scheme)
	if h.Authority, err = last.of(req, h.Bare); err != nil {
		return h, err
	}
	if !h.Bare {
		if h.Path, err = pathOf(req.URL); err != nil {
			return h, err
		}
	}
	h.Length = contentLength(h.Method, req)
	h.Urgency = urgency(req.Priority)
	if !h.Tunnel && !req.Header.Has("Priority") {
		h.Priority = priorityField(h.Urgency)
	}
	return h, nil
}

// CheckFields reports what must not be sent. It is asked before the first field is
// encoded: a head half encoded would leave the tables of both ends apart.
func CheckFields(fields exchange.Fields) error {
	for i := range fields {
		f := &fields[i]
		if f.Name != "" && f.Name[0] == ':' {
			continue // never sent
		}
		if !httpguts.ValidHeaderFieldName(f.Name) || !exchange.IsFieldValue(f.Value) {
			return FieldError(f.Name)
		}
	}
	return nil
}

// FieldError says that the field of that name must not be sent.
func FieldError(name string) error {
	return &neterr.Error{Code: neterr.InvalidArgument, Op: "header field " + strconv.Quote(name)}
}

// schemeOf is http or https also for web sockets (RFC 8441 section 4, RFC 9220).
func schemeOf(scheme string) string {
	switch scheme {
	case "wss":
		return "https"
	case "ws":
		return "http"
	}
	return scheme
}

// LastAuthority is the :authority of a connection's last request. Nearly always the
// next one has the same, and it need not be taken apart and checked again. The zero
// value is ready.
type LastAuthority struct{ p atomic.Pointer[authority] }

type authority struct {
	scheme, hostport string // what it was made from
	withPort         bool
	value            string
}

// of is the Host field's value: the caller's, or the URL's host, without the scheme's
// default port. A CONNECT names its port always.
func (l *LastAuthority) of(req *exchange.Request, withPort bool) (string, error) {
	hostport := req.Host
	if hostport == "" {
		hostport = req.URL.Host
	}
	if a := l.p.Load(); a != nil && a.hostport == hostport && a.scheme == req.URL.Scheme && a.withPort == withPort {
		return a.value, nil
	}
	s, err := authorityOf(req.URL.Scheme, hostport, withPort)
	if err == nil {
		l.p.Store(&authority{req.URL.Scheme, hostport, withPort, s})
	}
	return s, err
}

func authorityOf(scheme, hostport string, withPort bool) (string, error) {
	host, port, ok := origin.SplitHostPort(scheme, hostport)
	if !ok || host == "" || !httpguts.ValidHostHeader(host) {
		return "", &neterr.Error{Code: neterr.InvalidURL, Op: "host " + strconv.Quote(hostport)}
	}
	if hostport[0] == '[' {
		host, _, _ = strings.Cut(host, "%") // a zone is nobody else's business (RFC 6874 section 4)
		host = "[" + host + "]"
	}
	if withPort || port != origin.DefaultPort(scheme) {
		if n := len(host) + 1; strings.HasPrefix(hostport, host) && len(hostport) > n && hostport[n] != '0' {
			return hostport, nil // as it would be put together
		}
		host += ":" + strconv.Itoa(int(port))
	}
	return host, nil
}

func pathOf(u *url.URL) (string, error) {
	path := u.EscapedPath()
	switch {
	case u.Opaque != "":
		path = u.RequestURI()
	case path == "":
		path = "/"
	case path[0] != '/' && path != "*":
		path = "/" + path
	}
	if u.Opaque == "" && (u.ForceQuery || u.RawQuery != "") {
		path += "?" + u.RawQuery
	}
	for i := 0; i < len(path); i++ {
		if path[i] <= ' ' || path[i] == 0x7f {
			return "", &neterr.Error{Code: neterr.InvalidURL, Op: "control character or space in the request target"}
		}
	}
	return path, nil
}

func contentLength(method string, req *exchange.Request) int64 {
	switch {
	case method == http.MethodConnect:
		return -1
	case req.Body == nil || req.ContentLength == 0:
		if method == http.MethodPost || method == http.MethodPut {
			return 0
		}
		return -1
	}
	return max(req.ContentLength, -1)
}

// IsDropped names the fields that are the connection's own, or have no place in HTTP/2
// and 3 (RFC 9113 section 8.2.2, RFC 9114 section 4.2). The name is in lower case.
func IsDropped(lower string) bool {
	switch lower {
	case "host", "content-length", "connection", "proxy-connection", "keep-alive",
		"transfer-encoding", "upgrade", "trailer":
		return true
	}
	return lower == "" || lower[0] == ':'
}

// Attr is the head and req's fields as the log shows them.
func (h *Head) Attr(req *exchange.Request) netlog.Attr {
	f := exchange.FieldsOf(":method", h.Method, ":authority", h.Authority)
	if !h.Bare {
		f = append(f, exchange.FieldsOf(":scheme", h.Scheme, ":path", h.Path)...)
	}
	if h.Protocol != "" {
		f.Add(":protocol", h.Protocol)
	}
	if h.Length >= 0 {
		f.Add("content-length", strconv.FormatInt(h.Length, 10))
	}
	for name, value := range req.Header.All() {
		if name = strings.ToLower(name); !IsDropped(name) {
			f.Add(name, value)
		}
	}
	if h.Priority != "" {
		f.Add("priority", h.Priority)
	}
	return netlog.Headers("", "", netlog.Header(f.All()))
}
