package h1

import (
	"io"
	"net/http"

	"github.com/kaon-net/kaon/netlog"
)

// A held is a body that came together with its head, as small ones do. It takes the
// bytes along, so that the exchange is over and the connection free for the next one
// before anybody reads them.
type held body

// hold ends the exchange, of which the input holds what is left of the body.
func (b *body) hold() io.ReadCloser {
	in := &b.x.c.in
	have, end := in.cede()
	b.have, b.end = have, uint16(end)
	b.x.resp.Info.WireRead = in.used()
	b.finish(io.EOF)
	return (*held)(b)
}

// Read reads the body.
func (h *held) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed.Load():
		return 0, http.ErrBodyReadAfterClose
	case h.err != nil || len(p) == 0:
		return 0, h.err
	}
	if log := h.x.req.NetLog; !h.logged && log.On() {
		h.logged = true
		log.Begin(netlog.HTTPTransactionReadBody)
	}
	end := int64(h.end)
	n := copy(p, h.have[end-h.left:end])
	if h.left -= int64(n); h.left == 0 {
		h.drop()
	}
	return n, h.err
}

// Close frees what was not read.
func (h *held) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed.Swap(true) && h.err == nil {
		h.drop()
	}
	return nil
}

// drop frees the bytes. mu is held.
func (h *held) drop() {
	inputs.Put(h.have)
	h.have, h.err = nil, io.EOF
	if h.logged {
		h.x.req.NetLog.End(netlog.HTTPTransactionReadBody)
	}
}
