package fetch

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// beginRequest records that a request began to live. It ends with logBody's body.
func beginRequest(src netlog.Source, p exchange.Priority, t *target) {
	if src.On() {
		src.Begin(netlog.RequestAlive, netlog.String("priority", p.String()), netlog.URL("url", t.bare()))
	}
}

// beginHop records what is sent. The span ends with the response's head.
func beginHop(req *exchange.Request) {
	if src := req.NetLog; src.On() {
		method := req.Method
		if method == "" {
			method = "GET"
		}
		src.Begin(netlog.URLRequestStartJob,
			netlog.Int("load_flags", req.LoadFlags),
			netlog.String("method", method),
			netlog.String("network_isolation_key", req.Key.String()),
			netlog.String("request_type", "other"),
			netlog.URL("url", urlString(req.URL)))
	}
}

// urlString is u.String, also for the URLs that setPath made.
func urlString(u *url.URL) string {
	if u.Opaque == "" || u.Host == "" {
		return u.String()
	}
	whole := *u
	if !strings.HasPrefix(u.Opaque, "//") {
		whole.Opaque = "//" + u.Host + u.Opaque
	}
	return whole.String()
}

// loggable drops user name and password from a Location, which is not parsed yet.
func loggable(location string) string {
	if i := strings.Index(location, "//"); i >= 0 {
		authority := location[i+2:]
		if end := strings.IndexAny(authority, `/?#\`); end >= 0 {
			authority = authority[:end]
		}
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			return location[:i+2] + location[i+2+at+1:]
		}
	}
	return location
}

// logBody ends the request's life with its body. While nobody records, that is the
// body itself.
func logBody(src netlog.Source, body io.ReadCloser) io.ReadCloser {
	if !src.On() {
		return body
	}
	return &loggedBody{body: body, src: src}
}

// A loggedBody records what is read. Close may come beside Read.
type loggedBody struct {
	body  io.ReadCloser
	src   netlog.Source
	ended atomic.Bool
}

func (b *loggedBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if n > 0 && !b.ended.Load() {
		b.src.Event(netlog.URLRequestJobFilteredBytesRead, netlog.Bytes(p[:n]))
	}
	switch {
	case err == io.EOF:
		b.end(nil)
	case err != nil:
		b.end(err)
	}
	return n, err
}

// Write is for the body of a 101 response, which goes both ways.
func (b *loggedBody) Write(p []byte) (int, error) {
	if w, ok := b.body.(io.Writer); ok {
		return w.Write(p)
	}
	return 0, errors.ErrUnsupported
}

func (b *loggedBody) Close() error {
	err := b.body.Close()
	b.end(neterr.Aborted)
	return err
}

func (b *loggedBody) end(err error) {
	if b.ended.CompareAndSwap(false, true) {
		b.src.EndErr(netlog.RequestAlive, err)
	}
}
