package fetch

import (
	"net/http"
	"strings"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/netlog"
)

// upgrade answers req, for http, in place of a server that is to be asked over https:
// it sends the caller there with the same method and body (Chromium: 307 Internal
// Redirect). reason is who wants it so, as Chromium's pages are told.
func upgrade(req *exchange.Request, reason string) *exchange.Response {
	to := *req.URL
	to.Scheme = "https"
	to.Host = strings.TrimSuffix(to.Host, ":80")
	resp := &exchange.Response{
		Status: http.StatusTemporaryRedirect, StatusText: "Internal Redirect", Proto: "HTTP/1.1",
		Header: exchange.FieldsOf(
			"Location", urlString(&to),
			"Cross-Origin-Resource-Policy", "Cross-Origin",
			"Non-Authoritative-Reason", reason,
		),
		Body: http.NoBody,
	}
	if o, ok := req.Header.Lookup("Origin"); ok {
		resp.Header.Add("Access-Control-Allow-Origin", o)
		resp.Header.Add("Access-Control-Allow-Credentials", "true")
	}
	req.NetLog.Event(netlog.URLRequestRedirectJob, netlog.String("reason", reason))
	return resp
}
