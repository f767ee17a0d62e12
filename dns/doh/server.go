package doh

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"slices"

	"github.com/yosida95/uritemplate/v3"
	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// A Server is where to ask. It is made by [NewServer]; the zero Server is none and
// ignored.
type Server struct {
	template string
	host     string
	addrs    []netip.Addr
	get      *uritemplate.Template // nil asks with POST
	post     *url.URL              // nil asks with GET
}

// NewServer makes a server of a URI template (RFC 6570) that expands to an https URL.
// One with the variable dns, as "https://dns.example/dns-query{?dns}", is asked with
// GET, any other with POST. The variable must not be part of the host. User info is
// left out.
//
// The server's host name is resolved to addrs, if there are any, and otherwise as every
// other name is, though without DoH.
//
// The error of a bad template has Electron's words (app.configureHostResolver) and the
// code neterr.InvalidArgument.
func NewServer(template string, addrs ...netip.Addr) (Server, error) {
	invalid := func(err error) (Server, error) {
		return Server{}, &neterr.Error{Code: neterr.InvalidArgument, Err: &templateError{template, err}}
	}
	t, err := uritemplate.New(template)
	if err != nil {
		return invalid(err)
	}
	if slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.IsValid() }) {
		return Server{}, &neterr.Error{Code: neterr.InvalidArgument, Err: errNoAddr}
	}
	// Two questions without a character in common show what depends on them.
	a, err := expand(t, "aaaa")
	if err != nil {
		return invalid(err)
	}
	b, err := expand(t, "bbbb")
	if err != nil {
		return invalid(err)
	}
	host, port, ok := origin.SplitHostPort("https", a.Host)
	switch {
	case a.Scheme != "https" || b.Scheme != "https":
		return invalid(errNotHTTPS)
	case a.Host != b.Host:
		return invalid(errHostVaries)
	case !ok || host == "" || port == 0 || !httpguts.ValidHostHeader(host):
		return invalid(errHost)
	}
	s := Server{template: template, host: host, addrs: slices.Clone(addrs)}
	if slices.Contains(t.Varnames(), variable) {
		s.get = t
	} else {
		s.post = a
	}
	return s, nil
}

// Host returns the host of the URL, in ASCII and lower case and without brackets.
func (s *Server) Host() string { return s.host }

// Addrs returns a copy of the addresses that the host resolves to.
func (s *Server) Addrs() []netip.Addr { return slices.Clone(s.addrs) }

// String returns the template.
func (s *Server) String() string { return s.template }

// url returns where to send the question msg. It is not to be changed.
func (s *Server) url(msg []byte) (*url.URL, error) {
	if s.get == nil {
		return s.post, nil
	}
	return expand(s.get, base64.RawURLEncoding.EncodeToString(msg))
}

// variable is what stands for the question (RFC 8484 section 4.1).
const variable = "dns"

func expand(t *uritemplate.Template, question string) (*url.URL, error) {
	text, err := t.Expand(uritemplate.Values{variable: uritemplate.String(question)})
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	return u, nil
}

var (
	errNoAddr     = errors.New("not an address of a DoH server")
	errNotHTTPS   = errors.New("not an https URL")
	errHostVaries = errors.New("the host depends on the question")
	errHost       = errors.New("no valid host")
)

// A templateError is Electron's text alone, and has the reason for errors.Is.
type templateError struct {
	template string
	reason   error
}

func (e *templateError) Error() string { return "not a valid DoH template: " + e.template }
func (e *templateError) Unwrap() error { return e.reason }
