package h2

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// A reqHead is what of a request has to be worked out before it can be encoded.
type reqHead struct {
	method, authority, scheme, path string
	protocol                        string
	length                          int64  // for content-length; -1 sends none
	priority                        string // the field's value; "" sends none
	urgency                         uint8
	tunnel                          bool // CONNECT of either kind: DATA both ways
	bare                            bool // plain CONNECT: neither scheme nor path
}

// headOf checks a request and works out its head. Nothing that it accepts can fail
// later: a header block half encoded would leave the tables of both ends apart.
func (c *Conn) headOf(req *exchange.Request) (h reqHead, err error) {
	h.method = req.Method
	if h.method == "" {
		h.method = http.MethodGet
	}
	if !httpguts.ValidHeaderFieldName(h.method) { // a method is a token, too
		return h, &neterr.Error{Code: neterr.InvalidArgument, Op: "method " + strconv.Quote(h.method)}
	}
	if req.URL == nil {
		return h, &neterr.Error{Code: neterr.InvalidURL, Op: "request without a URL"}
	}
	h.tunnel = h.method == http.MethodConnect
	h.protocol = req.Protocol
	h.bare = h.tunnel && h.protocol == ""
	if h.protocol != "" && (!h.tunnel || !httpguts.ValidHeaderFieldName(h.protocol)) {
		return h, &neterr.Error{Code: neterr.InvalidArgument, Op: "protocol " + strconv.Quote(h.protocol)}
	}
	h.scheme = schemeOf(req.URL.Scheme)
	if h.authority, err = c.authority(req, h.bare); err != nil {
		return h, err
	}
	if !h.bare {
		if h.path, err = pathOf(req.URL); err != nil {
			return h, err
		}
	}
	h.length = contentLength(h.method, req)
	h.urgency = urgency(req.Priority)
	if !h.tunnel && !req.Header.Has("Priority") {
		h.priority = priorityField(h.urgency)
	}
	return h, checkFields(req.Header)
}

func checkFields(fields exchange.Fields) error {
	for i := range fields {
		f := &fields[i]
		if f.Name != "" && f.Name[0] == ':' {
			continue // never sent
		}
		if !httpguts.ValidHeaderFieldName(f.Name) || !isFieldValue(f.Value) {
			return &neterr.Error{Code: neterr.InvalidArgument, Op: "header field " + strconv.Quote(f.Name)}
		}
	}
	return nil
}

// isFieldValue is httpguts.ValidHeaderFieldValue in a quarter of the time: it looks at
// every byte that goes either way.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// schemeOf is http or https also for web sockets (RFC 8441 section 4).
func schemeOf(scheme string) string {
	switch scheme {
	case "wss":
		return "https"
	case "ws":
		return "http"
	}
	return scheme
}

// A host is the :authority of the last request. Nearly always the next one has the
// same, and it need not be taken apart and checked again.
type host struct {
	scheme, hostport string // what it was made from
	withPort         bool
	authority        string
}

// authority is the Host field's value: the caller's, or the URL's host, without the
// scheme's default port. A CONNECT names its port always.
func (c *Conn) authority(req *exchange.Request, withPort bool) (string, error) {
	hostport := req.Host
	if hostport == "" {
		hostport = req.URL.Host
	}
	if h := c.host.Load(); h != nil && h.hostport == hostport && h.scheme == req.URL.Scheme && h.withPort == withPort {
		return h.authority, nil
	}
	s, err := authorityOf(req.URL.Scheme, hostport, withPort)
	if err == nil {
		c.host.Store(&host{req.URL.Scheme, hostport, withPort, s})
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

// isDropped names the fields that are the connection's own, or have no place in
// HTTP/2 (RFC 9113 section 8.2.2).
func isDropped(lower string) bool {
	switch lower {
	case "host", "content-length", "connection", "proxy-connection", "keep-alive",
		"transfer-encoding", "upgrade", "trailer":
		return true
	}
	return lower == "" || lower[0] == ':'
}

// encodeHead leaves the header block in the encoder's buffer: pseudo-fields as the
// browser orders them, content-length, the caller's fields in their order and, last
// of all, priority.
func (c *Conn) encodeHead(h *reqHead, req *exchange.Request) {
	e := &c.send.enc
	e.begin()
	for _, pseudo := range c.cfg.HTTP2.PseudoHeaders {
		switch pseudo {
		case ":method":
			e.plain(e.method, h.method)
		case ":authority":
			e.field(e.authority, h.authority)
		case ":scheme":
			if !h.bare {
				e.plain(e.scheme, h.scheme)
			}
		case ":path":
			if !h.bare {
				e.plain(e.path, h.path)
			}
		}
	}
	if h.protocol != "" {
		e.plain(e.name(":protocol"), h.protocol)
	}
	if h.length >= 0 {
		e.field(e.name("content-length"), strconv.FormatInt(h.length, 10))
	}
	e.fields(req.Header)
	if len(req.TrailerNames) > 0 && !h.tunnel {
		e.field(e.name("trailer"), strings.ToLower(strings.Join(req.TrailerNames, ", ")))
	}
	if h.priority != "" {
		e.field(e.priority, h.priority)
	}
}

// fields encodes header or trailer fields that were checked.
func (e *encoder) fields(fields exchange.Fields) {
	for i := range fields {
		f := &fields[i]
		switch n := e.name(f.Name); {
		case n.drop:
		case n.cookie:
			e.crumbs(n, f.Value)
		case n.lower == "te" && f.Value != "trailers": // RFC 9113 section 8.2.2
		default:
			e.field(n, f.Value)
		}
	}
}

// crumbs sends a Cookie field as one field for each pair, so that those that do not
// change are found in the table (RFC 9113 section 8.2.3).
func (e *encoder) crumbs(n *fieldName, value string) {
	value = strings.Trim(value, " \t")
	for {
		crumb, rest, more := strings.Cut(value, ";")
		e.field(n, crumb)
		if !more {
			return
		}
		value = strings.TrimPrefix(rest, " ")
	}
}

const (
	maxFrame        = 16384 // the payload that every peer takes
	frameHeaderLen  = 9
	prioritySection = 5 // of HEADERS
)

// queueHeaders queues the encoder's block as HEADERS and, if it is long, CONTINUATION.
func (c *Conn) queueHeaders(id uint32, end bool, priority http2.PriorityParam) {
	block := c.send.enc.buf
	room := maxFrame
	if !priority.IsZero() {
		room -= prioritySection
	}
	first := block[:min(len(block), room)]
	block = block[len(first):]
	c.send.fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: first, EndStream: end, EndHeaders: len(block) == 0, Priority: priority,
	})
	for len(block) > 0 {
		next := block[:min(len(block), maxFrame)]
		block = block[len(next):]
		c.send.fr.WriteContinuation(id, len(block) == 0, next)
	}
}

// priorityOf is what HEADERS says of a new stream's place among the others.
func (c *Conn) priorityOf(urgency uint8) http2.PriorityParam {
	weight := c.cfg.HTTP2.Weights[urgency]
	if weight == 0 {
		return http2.PriorityParam{}
	}
	return http2.PriorityParam{
		StreamDep: c.order.parent(urgency), Exclusive: c.cfg.HTTP2.Exclusive, Weight: uint8(weight - 1),
	}
}
