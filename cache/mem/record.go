package mem

import (
	"time"
	"unsafe"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A record is an entry as it was last committed. A store has many and reads few again, so
// a head is kept in binary form until somebody opens it: bytes are no work for the garbage
// collector, header fields are.
type record struct {
	key  store.Key
	hash uint64

	// The shard's mutex guards the rest, once the record was committed. The body is shared
	// with whoever has it open: nobody changes it.
	same       *record // another one with this hash
	listed     bool    // it is in the shard
	packed     string  // the head, but for its rules
	rules      store.Rules
	head       *store.Head // what packed says; nil while nobody has asked
	body       body
	first      [1]chunk // where the body begins, if it was written into a new record
	size       int64
	used       time.Duration // since the store began
	prev, next *record       // in its class
}

// pack returns url and the binary form of a head as one string. The caller's URL may be a
// part of something larger.
func pack(url string, h *store.Head) (string, error) {
	var buf [1 << 10]byte
	b := h.AppendBinary(append(buf[:0], url...))
	if len(b)-len(url) > store.MaxHead {
		return "", &neterr.Error{Code: neterr.FileTooBig, Op: "commit a cache entry"}
	}
	return string(b), nil
}

// unpack sets the head.
func (r *record) unpack() error {
	h, err := store.ParseHeadString(r.packed)
	if err != nil {
		return err
	}
	h.Rules = r.rules
	r.head = h
	return nil
}

// bytes is what the record takes.
func (r *record) bytes() int64 {
	const place = unsafe.Sizeof(r.hash) + unsafe.Sizeof(r) // in the index
	n := int(unsafe.Sizeof(*r)+place) + len(r.key.URL) + len(r.packed)
	if h := r.head; h != nil {
		n += int(unsafe.Sizeof(*h)) + (len(h.Header)+len(h.Vary))*int(unsafe.Sizeof(exchange.Field{}))
	}
	return int64(n) + r.body.size()
}
