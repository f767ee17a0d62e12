package session

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// maxRedirects is Chromium's limit, which net/fetch keeps for Fetch by itself.
const maxRedirects = 20

// checkRedirect gives http.Client, which follows by itself, the rules of Fetch. A
// Location that is no URL at all never gets here: http.Client refuses it in its own
// words, without a neterr.Code.
func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &neterr.Error{Code: neterr.TooManyRedirects, Op: fmt.Sprintf("stopped after %d redirects", maxRedirects)}
	}
	if s := req.URL.Scheme; s != "http" && s != "https" {
		if _, err := fetch.ParseURL(req.URL.String()); errors.Is(err, neterr.DisallowedURLScheme) {
			return &neterr.Error{Code: neterr.UnsafeRedirect, Op: "redirect to scheme " + s}
		}
	}
	if leavesOrigin(req, via) {
		// http.Client still sends them to sub-domains, other ports and from https
		// to http.
		for _, name := range [...]string{"Authorization", "Proxy-Authorization", "Cookie"} {
			req.Header.Del(name)
		}
	}
	return nil
}

// leavesOrigin reports whether a hop of the chain had another origin than req.
func leavesOrigin(req *http.Request, via []*http.Request) bool {
	o := origin.Of(req.URL)
	for _, v := range via {
		if origin.Of(v.URL) != o {
			return true
		}
	}
	return false
}
