package h3_test

import (
	"bytes"
	"context"
	stdtls "crypto/tls"
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
)

// A peer is the server's end of a connection, frame by frame.
type peer struct {
	t  testing.TB
	qc *quic.Conn

	control *quic.SendStream // nil until hello
}

// pair returns the two ends of a connection.
func pair(t testing.TB, cfg h3.Config) (*h3.Conn, *peer) {
	return pairWith(t, cfg, nil)
}

func pairWith(t testing.TB, cfg h3.Config, serverConfig *quic.Config) (*h3.Conn, *peer) {
	t.Helper()
	l, err := quic.ListenAddr("127.0.0.1:0", serverTLS(t), serverConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	c, err := h3.NewConn(t.Context(), dialQUIC(t, l.Addr()), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(nil) })
	qc, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, &peer{t: t, qc: qc}
}

// dialQUIC returns a QUIC connection to addr, ready for HTTP/3.
func dialQUIC(t testing.TB, addr net.Addr) *quic.Conn {
	t.Helper()
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	tr := &quic.Transport{Conn: udp}
	t.Cleanup(func() { tr.Close(); udp.Close() })
	qc, err := tr.Dial(t.Context(), addr, &stdtls.Config{InsecureSkipVerify: true, NextProtos: []string{"h3"}, ServerName: "a.test"}, h3.QUICConfig())
	if err != nil {
		t.Fatal(err)
	}
	return qc
}

// hello opens the control stream with frames after the SETTINGS that are given as ids
// and values.
func (p *peer) hello(settings ...uint64) {
	p.t.Helper()
	var payload []byte
	for _, v := range settings {
		payload = quicvarint.Append(payload, v)
	}
	p.control = p.uni(append([]byte{0}, frame(0x4, payload)...))
}

// uni opens a unidirectional stream.
func (p *peer) uni(b []byte) *quic.SendStream {
	p.t.Helper()
	s, err := p.qc.OpenUniStream()
	if err != nil {
		p.t.Fatal(err)
	}
	s.Write(b)
	return s
}

// request takes the next request stream and reads the head.
func (p *peer) request() (*quic.Stream, exchange.Fields) {
	p.t.Helper()
	s, err := p.qc.AcceptStream(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	typ, payload := readFrame(p.t, s)
	if typ != 0x1 {
		p.t.Fatalf("the request begins with a frame of type %#x", typ)
	}
	fields, err := h3.ReadFields(payload, 1<<20)
	if err != nil {
		p.t.Fatal(err)
	}
	return s, fields
}

// closed waits for the connection's end and returns the code that the client gave.
func (p *peer) closed() quic.ApplicationErrorCode {
	p.t.Helper()
	<-p.qc.Context().Done()
	app, ok := context.Cause(p.qc.Context()).(*quic.ApplicationError)
	if !ok || !app.Remote {
		p.t.Fatalf("the connection ended with %v", context.Cause(p.qc.Context()))
	}
	return app.ErrorCode
}

func readFrame(t testing.TB, r io.Reader) (typ uint64, payload []byte) {
	t.Helper()
	br := quicvarint.NewReader(r)
	typ, err := quicvarint.Read(br)
	if err != nil {
		t.Fatal(err)
	}
	n, err := quicvarint.Read(br)
	if err != nil {
		t.Fatal(err)
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(br, payload); err != nil {
		t.Fatal(err)
	}
	return typ, payload
}

func frame(typ uint64, payload []byte) []byte {
	b := quicvarint.Append(nil, typ)
	b = quicvarint.Append(b, uint64(len(payload)))
	return append(b, payload...)
}

// head is a HEADERS frame.
func head(namesAndValues ...string) []byte {
	return frame(0x1, h3.AppendFields(nil, exchange.FieldsOf(namesAndValues...)))
}

func data(s string) []byte { return frame(0x0, []byte(s)) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func get(path string) *exchange.Request {
	return &exchange.Request{URL: &url.URL{Scheme: "https", Host: "a.test", Path: path}}
}

// An outcome is what became of a request.
type outcome struct {
	resp *exchange.Response
	body string
	err  error
}

// send sends a request beside the test and reads all of its answer.
func send(t testing.TB, c *h3.Conn, req *exchange.Request) <-chan outcome {
	t.Helper()
	if err := c.Reserve(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	out := make(chan outcome, 1)
	go func() {
		defer cancel()
		var o outcome
		if o.resp, o.err = c.RoundTrip(ctx, req); o.err == nil {
			var b []byte
			b, o.err = io.ReadAll(o.resp.Body)
			o.body = string(b)
			o.resp.Body.Close()
		}
		out <- o
	}()
	return out
}
