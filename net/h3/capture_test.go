package h3_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/qlog"
	"github.com/quic-go/quic-go/qlogwriter"
	"github.com/quic-go/quic-go/quicvarint"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
)

// A capture is what Chromium sent: see testdata/README.md.
type capture struct {
	Settings          []struct{ ID, Value uint64 }
	ControlFrameOrder []string `json:"control_frame_order"`
	FirstDatagramLens []int    `json:"first_flight_datagram_lens"`
	SourceIDLens      []int    `json:"scid_lens"`
	TransportParams   []param  `json:"transport_params"`
	Requests          map[string]sample
}

type param struct {
	Name  string
	Value json.RawMessage
}

type sample struct {
	Method, Path string
	PseudoOrder  []string `json:"pseudo_order"`
	Headers      [][2]string
}

func readCapture(t *testing.T) *capture {
	t.Helper()
	b, err := os.ReadFile("testdata/chromium-156-h3.json")
	if err != nil {
		t.Fatal(err)
	}
	c := new(capture)
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestControlCapture compares what opens the control stream with the capture, byte by
// byte, but for the size of a QPACK table that there is not.
func TestControlCapture(t *testing.T) {
	want := readCapture(t)
	var settings []byte
	for _, s := range want.Settings[:len(want.Settings)-1] { // the last is drawn at random
		if s.ID == 0x1 || s.ID == 0x7 {
			s.Value = 0
		}
		settings = quicvarint.Append(quicvarint.Append(settings, s.ID), s.Value)
	}
	_, p := pair(t, h3.Config{})
	s, err := p.qc.AcceptUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := quicvarint.NewReader(s)
	if typ, _ := quicvarint.Read(r); typ != 0 || s.StreamID() != 2 {
		t.Errorf("stream %d of type %d", s.StreamID(), typ)
	}
	for _, name := range want.ControlFrameOrder[:2] {
		typ, payload := readFrame(t, r)
		switch name {
		case "SETTINGS":
			if typ != 0x4 || !bytes.HasPrefix(payload, settings) {
				t.Fatalf("frame of type %#x\ngot  % x\nwant % x and a reserved one", typ, payload, settings)
			}
			id, n, _ := quicvarint.Parse(payload[len(settings):])
			value, m, _ := quicvarint.Parse(payload[len(settings)+n:])
			if !isReserved(id) || value >= 1<<32 || len(settings)+n+m != len(payload) {
				t.Errorf("the last setting is %#x = %d", id, value)
			}
		case "GREASE":
			if !isReserved(typ) || len(payload) > 3 {
				t.Errorf("frame of type %#x with %d bytes after SETTINGS", typ, len(payload))
			}
		default:
			t.Errorf("the capture has %s at the beginning", name)
		}
	}
}

// isReserved reports whether n is a number to keep peers flexible (RFC 9114 section
// 7.2.8). The capture's are: GREASE is what it calls them.
func isReserved(n uint64) bool { return n >= 0x21 && (n-0x21)%0x1f == 0 }

// TestRequestCapture compares requests with the capture: PRIORITY_UPDATE, the order of
// fields, and what is sent of each.
func TestRequestCapture(t *testing.T) {
	want := readCapture(t)
	c, p := pair(t, h3.Config{})
	p.hello()
	control, err := p.qc.AcceptUniStream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := quicvarint.NewReader(control)
	quicvarint.Read(r)
	readFrame(t, r) // SETTINGS
	readFrame(t, r) // a reserved one
	for name, s := range want.Requests {
		out := send(t, c, s.request())
		qs, got := p.request()
		var list exchange.Fields
		for _, pseudo := range s.PseudoOrder {
			list.Add(pseudo, map[string]string{":method": s.Method, ":authority": "probe.test", ":scheme": "https", ":path": s.Path}[pseudo])
		}
		for _, f := range s.Headers {
			list.Add(f[0], f[1])
		}
		if !slices.Equal(got, list) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, list)
		}
		typ, payload := readFrame(t, r)
		_, n, _ := quicvarint.Parse(payload)
		if update := string(payload[n:]); typ != 0xf0700 || update != list.Get("priority") || !bytes.Equal(payload[:n], quicvarint.Append(nil, uint64(qs.StreamID()))) {
			t.Errorf("%s: frame of type %#x, % x %q", name, typ, payload[:n], update)
		}
		qs.Write(head(":status", "204"))
		qs.Close()
		if o := <-out; o.err != nil {
			t.Error(o.err)
		}
	}
}

// request makes of a captured request what the layers above would hand down.
func (s *sample) request() *exchange.Request {
	req := get(s.Path)
	req.URL.Host = "probe.test"
	req.Method = s.Method
	for _, f := range s.Headers {
		switch name, value := f[0], f[1]; name {
		case "content-length":
			if value != "0" {
				req.Body, req.ContentLength = io.NopCloser(strings.NewReader("hello world")), 11
			}
		case "priority":
			levels := map[string]exchange.Priority{"u=0, i": exchange.Highest, "u=1, i": exchange.Medium, "u=2, i": exchange.Low, "i": exchange.Lowest, "u=4, i": exchange.Idle}
			p, byLevel := levels[value]
			if !byLevel {
				req.Header.Add("Priority", value) // not incremental: said by who knows
			}
			req.Priority = p
		default:
			req.Header.Add(strings.ToUpper(name[:1])+name[1:], value)
		}
	}
	return req
}

// TestTransportParameters compares them with the capture, but for those that quic-go does
// not have and the size of datagrams, which are not used.
func TestTransportParameters(t *testing.T) {
	got := make(chan qlog.ParametersSet, 10)
	l, err := quic.ListenAddr("127.0.0.1:0", serverTLS(t), &quic.Config{
		Tracer: func(context.Context, bool, quic.ConnectionID) qlogwriter.Trace { return tracer(got) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := h3.Dial(t.Context(), connectedTo(t, l.Addr()), clientTLS(), h3.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(nil)
	set := <-got
	for set.Initiator != qlog.InitiatorRemote {
		set = <-got
	}
	ours := map[string]int64{
		"initial_max_data":                    int64(set.InitialMaxData),
		"initial_max_stream_data_bidi_local":  int64(set.InitialMaxStreamDataBidiLocal),
		"initial_max_stream_data_bidi_remote": int64(set.InitialMaxStreamDataBidiRemote),
		"initial_max_stream_data_uni":         int64(set.InitialMaxStreamDataUni),
		"initial_max_streams_bidi":            set.InitialMaxStreamsBidi,
		"initial_max_streams_uni":             set.InitialMaxStreamsUni,
		"max_idle_timeout":                    int64(set.MaxIdleTimeout / time.Millisecond),
	}
	found := 0
	for _, p := range readCapture(t).TransportParams {
		var want int64
		if v, ok := ours[p.Name]; ok && json.Unmarshal(p.Value, &want) == nil {
			found++
			if v != want {
				t.Errorf("%s: got %d, want %d", p.Name, v, want)
			}
		}
	}
	if found != len(ours) {
		t.Errorf("the capture has %d of %d parameters", found, len(ours))
	}
	if n := set.InitialSourceConnectionID.Len(); n != 0 {
		t.Errorf("initial_source_connection_id of %d bytes", n)
	}
	if set.MaxDatagramFrameSize <= 0 {
		t.Error("no datagrams")
	}
}

// A tracer hands on which transport parameters were set.
type tracer chan qlog.ParametersSet

func (t tracer) AddProducer() qlogwriter.Recorder { return t }
func (t tracer) Close() error                     { return nil }

func (t tracer) RecordEvent(e qlogwriter.Event) {
	switch set := e.(type) {
	case qlog.ParametersSet:
		t <- set
	case *qlog.ParametersSet:
		t <- *set
	}
}

// TestFirstPacket compares the outside of the first packet with the capture.
func TestFirstPacket(t *testing.T) {
	want := readCapture(t)
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h3.Dial(ctx, connectedTo(t, server.LocalAddr()), clientTLS(), h3.Config{})
	}()
	defer func() { cancel(); <-done }()
	b := make([]byte, 2<<10)
	for range 2 {
		n, err := server.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		if n != want.FirstDatagramLens[0] {
			t.Errorf("a datagram of %d bytes, want %d", n, want.FirstDatagramLens[0])
		}
		if b[0]&0xf0 != 0xc0 || !bytes.Equal(b[1:5], []byte{0, 0, 0, 1}) {
			t.Errorf("not an Initial of version 1: % x", b[:5])
		}
		if scid := b[6+b[5]]; int(scid) != want.SourceIDLens[0] {
			t.Errorf("source connection ID of %d bytes", scid)
		}
	}
}
