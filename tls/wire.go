package tls

import (
	"io"
	"net"
	"sync"
)

const (
	applicationData = 23 // the first byte of a record with it; in TLS 1.3, of any

	maxRecord = 16 << 10          // plaintext that a record holds
	maxCoded  = maxRecord + 2<<10 // and what is made of it at most (RFC 5246 section 6.2.3)
)

// A wire is the connection below as uTLS writes to it. uTLS makes a system call for
// every record; a wire makes one for several that belong to the same Write of a Conn.
// Nothing is held back between two Writes.
type wire struct {
	net.Conn
	via        io.ReadWriter // what Conn is read and written through
	beforeRead func()        // the reader's; nil is none

	mu   sync.Mutex // guards what follows; the writes themselves uTLS puts in order
	due  int        // records that the Write under way has still to make
	out  []byte     // those that it has made, in a block; nil is none
	kept int        // their number
}

func newWire(c net.Conn) *wire { return &wire{Conn: c, via: c} }

// A block holds records on their way out: four full ones.
type block [4 * maxCoded]byte

var blocks = sync.Pool{New: func() any { return new(block) }}

func newBlock() []byte { return blocks.Get().(*block)[:0] }

// free takes back what newBlock gave.
func free(out []byte) { blocks.Put((*block)(out[:cap(out)])) }

// Read is called when uTLS has no whole record left.
func (w *wire) Read(p []byte) (int, error) {
	if w.beforeRead != nil {
		w.beforeRead()
	}
	return w.via.Read(p)
}

// gather makes the records of n bytes of plaintext go out together. An alert, or a new
// key, that the reader has to send may come between: it goes out in its order.
func (w *wire) gather(n int) {
	w.mu.Lock()
	w.due = (n + maxRecord - 1) / maxRecord
	w.mu.Unlock()
}

// finish ends gathering. Where the Write failed, lost is how many of the records that
// it made were never written.
func (w *wire) finish() (lost int) {
	w.mu.Lock()
	rest, lost := w.out, w.kept
	w.due, w.out, w.kept = 0, nil, 0
	w.mu.Unlock()
	if rest != nil {
		// uTLS stopped half-way, and may have said why to the peer.
		if _, err := w.via.Write(rest); err == nil {
			lost = 0
		}
		free(rest)
	}
	return lost
}

// Write takes one record, or messages of the handshake, whose answer uTLS may wait for.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	data := w.due > 0 && p[0] == applicationData
	if data {
		w.due--
	}
	hold := data && w.due > 0
	if w.out == nil && !hold {
		w.mu.Unlock()
		return w.via.Write(p)
	}
	if w.out == nil {
		w.out = newBlock()
	}
	w.out = append(w.out, p...)
	if hold && len(w.out) <= len(block{})-maxCoded {
		w.kept++
		w.mu.Unlock()
		return len(p), nil
	}
	out := w.out
	w.out = nil
	w.mu.Unlock()
	_, err := w.via.Write(out)
	free(out)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	w.kept = 0
	w.mu.Unlock()
	return len(p), nil
}
