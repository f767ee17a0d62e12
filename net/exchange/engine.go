package exchange

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strings"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// What follows is for the connections of every HTTP version: the parts of a request's
// contract that do not depend on how it is framed.

// ContinueTimeout is how long a body with Expect: 100-continue waits for the peer's
// word before it goes all the same (RFC 9110 section 10.1.1 leaves it open).
const ContinueTimeout = time.Second

// ExpectsContinue reports whether the body waits for a 100 response.
func (r *Request) ExpectsContinue() bool {
	return r.Body != nil && HasToken(r.Header.Get("Expect"), "100-continue")
}

// CloseBody closes the Body, if there is one.
func (r *Request) CloseBody() {
	if r.Body != nil {
		r.Body.Close()
	}
}

// BodyLengthError says that the Body has less or more, as than names it, than the
// ContentLength of n bytes.
func BodyLengthError(n int64, than string) error {
	return &neterr.Error{
		Code: neterr.InvalidArgument, Op: "request body",
		Err: fmt.Errorf("the body has %s than the %d bytes that ContentLength says", than, n),
	}
}

// TraceHead tells the caller's trace which fields went out.
func (r *Request) TraceHead() {
	t := r.Trace
	if t == nil {
		return
	}
	if t.WroteHeaderField != nil {
		for name, value := range r.Header.All() {
			t.WroteHeaderField(name, []string{value})
		}
	}
	if t.WroteHeaders != nil {
		t.WroteHeaders()
	}
}

// Trace1xx tells Informed and the caller's trace of a 1xx response. The trace's error
// ends the exchange.
func (r *Request) Trace1xx(status int, fields Fields) error {
	if r.Informed != nil {
		r.Informed(r, status, fields)
	}
	t := r.Trace
	if t == nil {
		return nil
	}
	if status == http.StatusContinue && t.Got100Continue != nil {
		t.Got100Continue()
	}
	if t.Got1xxResponse != nil {
		return t.Got1xxResponse(status, MIMEHeader(fields))
	}
	return nil
}

// TraceWrote tells the caller's trace that the request went out, or why it did not.
func (r *Request) TraceWrote(err error) {
	if t := r.Trace; t != nil && t.WroteRequest != nil {
		t.WroteRequest(httptrace.WroteRequestInfo{Err: err})
	}
}

// HasToken reports whether token is a member of the comma list, without regard to
// case (RFC 9110 section 5.6.1).
func HasToken(list, token string) bool {
	for member := range strings.SplitSeq(list, ",") {
		if EqualName(strings.Trim(member, " \t"), token) {
			return true
		}
	}
	return false
}

// AddrPort is a as Info shows it; invalid for an address that is not of IP.
func AddrPort(a net.Addr) netip.AddrPort {
	switch a := a.(type) {
	case *net.TCPAddr:
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	case interface{ AddrPort() netip.AddrPort }:
		return a.AddrPort()
	}
	return netip.AddrPort{}
}
