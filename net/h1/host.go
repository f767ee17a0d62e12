package h1

import (
	"strconv"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// A hostField is the Host field of the last request. Nearly always the next one of
// the connection has the same, and it need not be taken apart and checked again.
type hostField struct {
	scheme, hostport string // what it was made from
	value            string
}

// set makes f the field of req: the caller's, or the URL's host without the scheme's
// default port.
func (f *hostField) set(req *exchange.Request) error {
	hostport := req.Host
	if hostport == "" {
		hostport = req.URL.Host
	}
	if f.value != "" && f.hostport == hostport && f.scheme == req.URL.Scheme {
		return nil
	}
	value, err := hostValue(req.URL.Scheme, hostport)
	if err != nil {
		return err
	}
	*f = hostField{req.URL.Scheme, hostport, value}
	return nil
}

func hostValue(scheme, hostport string) (string, error) {
	host, port, ok := origin.SplitHostPort(scheme, hostport)
	if !ok || host == "" || !httpguts.ValidHostHeader(host) {
		return "", &neterr.Error{Code: neterr.InvalidURL, Op: "host " + strconv.Quote(hostport)}
	}
	if hostport[0] == '[' {
		for i := 0; i < len(host); i++ {
			if host[i] == '%' { // a zone is nobody else's business (RFC 6874 section 4)
				host = host[:i]
			}
		}
		host = "[" + host + "]"
	}
	if port != origin.DefaultPort(scheme) {
		host += ":" + strconv.Itoa(int(port))
	}
	return host, nil
}
