package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
	"github.com/kaon-net/kaon/net/nettest"
)

// Frame types of HTTP/3.
const (
	h3Data     = 0x0
	h3Headers  = 0x1
	h3Settings = 0x4
)

const h3MaxHead = 16 << 10 // of a request

// listenH3 serves HTTP/3 and returns the URL. QUIC is quic-go's, whose own HTTP server
// needs more CPU than either client.
func (s *server) listenH3(ca *nettest.CA) (url string, err error) {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	cfg := ca.Config("localhost")
	cfg.NextProtos = []string{"h3"}
	tr := &quic.Transport{Conn: udp}
	if s.spin {
		tr.Conn = &spinning{UDPConn: udp}
	}
	ln, err := tr.Listen(cfg, &quic.Config{MaxIncomingStreams: 1000, MaxIdleTimeout: time.Minute})
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := ln.Accept(context.Background())
			if err != nil {
				return
			}
			s.conns.Add(1)
			go s.serveH3(conn)
		}
	}()
	return "https://localhost:" + strconv.Itoa(udp.LocalAddr().(*net.UDPAddr).Port), nil
}

// An h3Conn answers the requests of one connection.
type h3Conn struct {
	server *server
	likely h3Response // what was asked last
}

// An h3Response is a path's answer, with the request head that asks for it.
type h3Response struct {
	answer
	request []byte // the coded section
	head    []byte // HEADERS, and the header of DATA
}

// serveH3 answers small requests one after the other, on one goroutine; where a body
// takes long it gets one of its own.
func (s *server) serveH3(conn *quic.Conn) {
	ctx := conn.Context()
	if control, err := conn.OpenUniStream(); err == nil {
		control.Write([]byte{0, h3Settings, 0})
	}
	go func() {
		for {
			str, err := conn.AcceptUniStream(ctx)
			if err != nil {
				return
			}
			go io.Copy(io.Discard, str)
		}
	}()
	h := &h3Conn{server: s}
	buf := make([]byte, h3MaxHead)
	for {
		str, err := conn.AcceptStream(ctx)
		if err != nil {
			return
		}
		if h.serve(str, buf) != nil {
			conn.CloseWithError(0x101, "")
			return
		}
	}
}

var errH3Head = errors.New("request head too large, or none")

// serve answers a request.
func (h *h3Conn) serve(str *quic.Stream, buf []byte) error {
	section, rest, err := readH3Head(str, buf)
	if err != nil {
		return err
	}
	if !bytes.Equal(section, h.likely.request) {
		if h.likely, err = newH3Response(section); err != nil {
			return err
		}
	}
	if h.likely.size == smallSize && len(rest) == 0 {
		h.server.requests.Add(1)
		out := append(buf[:0], h.likely.head...)
		str.Write(append(out, h.likely.body...))
		return str.Close()
	}
	r := h.likely
	go func() {
		io.Copy(io.Discard, str)
		h.server.requests.Add(1)
		str.Write(r.head)
		for left := r.size; left > 0; {
			n, err := str.Write(zeros[:min(left, int64(len(zeros)))])
			if err != nil {
				return
			}
			left -= int64(n)
		}
		str.Close()
	}()
	return nil
}

// readH3Head reads the HEADERS frame that a request begins with, and what came with it.
func readH3Head(str io.Reader, buf []byte) (section, rest []byte, err error) {
	for have := 0; have < len(buf); {
		n, err := str.Read(buf[have:])
		have += n
		if typ, a, e := quicvarint.Parse(buf[:have]); e == nil && typ == h3Headers {
			if size, b, e := quicvarint.Parse(buf[a:have]); e == nil && uint64(have-a-b) >= size {
				return buf[a+b:][:size], buf[a+b+int(size) : have], nil
			}
		}
		if err != nil {
			break
		}
	}
	return nil, nil, errH3Head
}

func newH3Response(section []byte) (h3Response, error) {
	fields, err := h3.ReadFields(section, h3MaxHead)
	if err != nil {
		return h3Response{}, err
	}
	a, ok := answerTo(fields.Get(":path"))
	r := h3Response{answer: a, request: bytes.Clone(section)}
	head := exchange.FieldsOf(":status", "404")
	if ok {
		head = exchange.FieldsOf(":status", "200")
		for _, f := range a.fields() {
			head.Add(f[0], f[1])
		}
	}
	coded := h3.AppendFields(nil, head)
	r.head = append(quicvarint.Append([]byte{h3Headers}, uint64(len(coded))), coded...)
	if r.size > 0 {
		r.head = quicvarint.Append(append(r.head, h3Data), uint64(r.size))
	}
	return r, nil
}

// A spinning socket reads for a while before it lets the system put the process to
// sleep; the rest of the server goes first. See [cork.Read].
type spinning struct{ *net.UDPConn }

func (s *spinning) SyscallConn() (syscall.RawConn, error) {
	raw, err := s.UDPConn.SyscallConn()
	return spinningRaw{raw}, err
}

type spinningRaw struct{ syscall.RawConn }

func (s spinningRaw) Read(f func(fd uintptr) bool) error {
	done := false
	try := func(fd uintptr) bool {
		done = f(fd)
		return true
	}
	for start := time.Now(); time.Since(start) < spinTime; runtime.Gosched() {
		if err := s.RawConn.Read(try); done || err != nil {
			return err
		}
	}
	return s.RawConn.Read(f)
}
