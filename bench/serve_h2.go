package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// What the server's settings say: those of net/http's server.
const (
	h2Streams  = 250
	h2Window   = 1 << 20 // of the connection and of each stream
	h2MaxFrame = 1 << 20
)

const h2Batch = 256 << 10 // bytes collected before they are written

// An h2Conn is an HTTP/2 connection served by one goroutine: it reads what there is,
// answers it and writes all answers at once. While it writes it does not read, so a
// client must not wait to write while it has a download to read.
type h2Conn struct {
	server *server
	conn   io.Writer
	cork   *cork
	in     *bufio.Reader
	fr     *http2.Framer // for reading
	out    []byte

	dec    *hpack.Decoder
	asked  string // the :path that dec met last
	enc    *hpack.Encoder
	block  bytes.Buffer // what enc wrote
	likely h2Response

	maxFrame int64 // of the client
	initial  int64 // window of the client's new streams
	window   int64 // of the connection, for sending
	received int64 // since the connection's window was opened
	streams  map[uint32]*h2Stream
}

// An h2Stream is one that could not be answered at once.
type h2Stream struct {
	path     string // while its request lasts
	received int64  // since its window was opened

	body   []byte // nil: zeros
	left   int64  // bytes of the response's body
	window int64
}

// An h2Response is a path's answer with its header block, as it is once all fields
// are in the connection's table.
type h2Response struct {
	answer
	path  string
	found bool
	block []byte
}

func (s *server) serveH2(conn net.Conn, c *cork) {
	h := &h2Conn{
		server: s, conn: conn, cork: c,
		in:       bufio.NewReaderSize(conn, 64<<10),
		maxFrame: 16 << 10, initial: 65535, window: 65535,
		streams: make(map[uint32]*h2Stream),
	}
	h.fr = http2.NewFramer(nil, h.in)
	h.fr.SetReuseFrames()
	h.fr.SetMaxReadFrameSize(h2MaxFrame)
	h.enc = hpack.NewEncoder(&h.block)
	h.dec = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":path" {
			h.asked = f.Value
		}
	})
	h.serve() // its error has no one to hear it: the client has one, too
}

func (h *h2Conn) serve() error {
	if _, err := h.in.Discard(len(http2.ClientPreface)); err != nil {
		return err
	}
	h.frame(http2.FrameSettings, 0, 0, settings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: h2Streams},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: h2Window},
		http2.Setting{ID: http2.SettingMaxFrameSize, Val: h2MaxFrame},
	))
	h.windowUpdate(0, h2Window-65535)
	for {
		if !h.frameWaits() {
			if err := h.flush(); err != nil {
				return err
			}
		}
		f, err := h.fr.ReadFrame()
		if err != nil {
			return err
		}
		if err := h.handle(f); err != nil {
			return err
		}
	}
}

// frameWaits reports whether a whole frame can be read without waiting.
func (h *h2Conn) frameWaits() bool {
	const head = 9
	if h.in.Buffered() < head {
		return false
	}
	b, _ := h.in.Peek(head)
	return h.in.Buffered() >= head+int(b[0])<<16|int(b[1])<<8|int(b[2])
}

func (h *h2Conn) handle(f http2.Frame) error {
	id := f.Header().StreamID
	switch f := f.(type) {
	case *http2.HeadersFrame:
		if !f.HeadersEnded() {
			return errors.New("a header block in several frames")
		}
		if _, err := h.dec.Write(f.HeaderBlockFragment()); err != nil {
			return err
		}
		if err := h.dec.Close(); err != nil {
			return err
		}
		if f.StreamEnded() {
			return h.answer(id, h.asked, h.initial)
		}
		h.streams[id] = &h2Stream{path: h.asked, window: h.initial}
	case *http2.DataFrame:
		st := h.streams[id]
		if st == nil {
			return errors.New("DATA on no stream")
		}
		h.consume(id, st, int64(f.Length), f.StreamEnded())
		if f.StreamEnded() {
			delete(h.streams, id)
			return h.answer(id, st.path, st.window)
		}
	case *http2.WindowUpdateFrame:
		if id == 0 {
			h.window += int64(f.Increment)
		} else if st := h.streams[id]; st != nil {
			st.window += int64(f.Increment)
		}
		return h.sendBodies()
	case *http2.SettingsFrame:
		if f.IsAck() {
			return nil
		}
		if v, ok := f.Value(http2.SettingInitialWindowSize); ok {
			for _, st := range h.streams {
				st.window += int64(v) - h.initial
			}
			h.initial = int64(v)
		}
		if v, ok := f.Value(http2.SettingMaxFrameSize); ok {
			h.maxFrame = int64(v)
		}
		h.frame(http2.FrameSettings, http2.FlagSettingsAck, 0, nil)
		return h.sendBodies()
	case *http2.PingFrame:
		if !f.IsAck() {
			h.frame(http2.FramePing, http2.FlagPingAck, 0, f.Data[:])
		}
	case *http2.RSTStreamFrame:
		delete(h.streams, id)
	}
	return nil
}

// consume opens the windows again when half of them is used.
func (h *h2Conn) consume(id uint32, st *h2Stream, n int64, ended bool) {
	if h.received += n; h.received >= h2Window/2 {
		h.windowUpdate(0, h.received)
		h.received = 0
	}
	if st.received += n; st.received >= h2Window/2 && !ended {
		h.windowUpdate(id, st.received)
		st.received = 0
	}
}

// answer writes the response, or as much of it as the windows let through.
func (h *h2Conn) answer(id uint32, path string, window int64) error {
	h.server.requests.Add(1)
	r := &h.likely
	block := r.block
	if r.path != path {
		a, ok := answerTo(path)
		*r = h2Response{answer: a, path: path, found: ok}
		block = bytes.Clone(h.encode(r))   // fills the table,
		r.block = bytes.Clone(h.encode(r)) // which this refers to
	}
	if r.last {
		// Ahead of the response, so that the client knows when it has that.
		goAway := binary.BigEndian.AppendUint32(nil, id)
		h.frame(http2.FrameGoAway, 0, 0, binary.BigEndian.AppendUint32(goAway, uint32(http2.ErrCodeNo)))
	}
	flags := http2.FlagHeadersEndHeaders
	if r.size == 0 {
		flags |= http2.FlagHeadersEndStream
	}
	h.frame(http2.FrameHeaders, flags, id, block)
	if r.size == 0 {
		return nil
	}
	st := h2Stream{body: r.body, left: r.size, window: window}
	if err := h.sendBody(id, &st); err != nil {
		return err
	}
	if st.left > 0 {
		h.streams[id] = &st
	}
	return nil
}

func (h *h2Conn) encode(r *h2Response) []byte {
	h.block.Reset()
	if !r.found {
		h.enc.WriteField(hpack.HeaderField{Name: ":status", Value: "404"})
		return h.block.Bytes()
	}
	h.enc.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	for _, f := range r.fields() {
		h.enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	return h.block.Bytes()
}

// sendBodies goes on with what waited for a window.
func (h *h2Conn) sendBodies() error {
	for id, st := range h.streams {
		if err := h.sendBody(id, st); err != nil {
			return err
		}
		if st.path == "" && st.left == 0 {
			delete(h.streams, id)
		}
	}
	return nil
}

func (h *h2Conn) sendBody(id uint32, st *h2Stream) error {
	for st.left > 0 {
		n := min(st.left, st.window, h.window, h.maxFrame, int64(len(zeros)))
		if n <= 0 {
			return nil
		}
		data, flags := zeros[:n], http2.Flags(0)
		if st.body != nil {
			data = st.body[int64(len(st.body))-st.left:][:n]
		}
		if n == st.left {
			flags = http2.FlagDataEndStream
		}
		h.frame(http2.FrameData, flags, id, data)
		st.left -= n
		st.window -= n
		h.window -= n
		if len(h.out) >= h2Batch {
			if err := h.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *h2Conn) windowUpdate(id uint32, n int64) {
	h.frame(http2.FrameWindowUpdate, 0, id, binary.BigEndian.AppendUint32(nil, uint32(n)))
}

func settings(all ...http2.Setting) (b []byte) {
	for _, s := range all {
		b = binary.BigEndian.AppendUint16(b, uint16(s.ID))
		b = binary.BigEndian.AppendUint32(b, s.Val)
	}
	return b
}

// frame appends to what the next flush writes.
func (h *h2Conn) frame(t http2.FrameType, flags http2.Flags, id uint32, payload []byte) {
	n := len(payload)
	h.out = append(h.out, byte(n>>16), byte(n>>8), byte(n), byte(t), byte(flags))
	h.out = binary.BigEndian.AppendUint32(h.out, id)
	h.out = append(h.out, payload...)
}

func (h *h2Conn) flush() error {
	if len(h.out) == 0 {
		return nil
	}
	if _, err := h.conn.Write(h.out); err != nil {
		return err
	}
	h.out = h.out[:0]
	return h.cork.flush()
}
