package h2

import (
	"io"
	"net"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
)

// loopback returns both ends of a connection within this machine.
func loopback(t *testing.T) (client, server net.Conn) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// A layer hides what is below it, as TLS does.
type layer struct{ net.Conn }

func (l layer) NetConn() net.Conn { return l.Conn }

// A telling layer says when it is about to read.
type telling struct {
	layer
	before *func()
}

func (t telling) BeforeRead(f func()) { *t.before = f }

func (t telling) Read(p []byte) (int, error) {
	(*t.before)()
	return t.Conn.Read(p)
}

// TestNear: the reader looks for an answer before it sleeps only where it can know that
// the socket has all that there is to read.
func TestNear(t *testing.T) {
	tests := []struct {
		name string
		wrap func(net.Conn) net.Conn
		want bool
	}{
		{"socket", func(nc net.Conn) net.Conn { return nc }, true},
		{"layer", func(nc net.Conn) net.Conn { return layer{nc} }, false},
		{"layer that tells", func(nc net.Conn) net.Conn { return telling{layer{nc}, new(func())} }, true},
		{"memory", func(net.Conn) net.Conn { here, _ := net.Pipe(); return here }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nc, _ := loopback(t)
			c := &Conn{nc: tt.wrap(nc)}
			c.remote, c.local = exchange.AddrPort(c.nc.RemoteAddr()), exchange.AddrPort(c.nc.LocalAddr())
			c.recv.init(c)
			if want := tt.want && c.recv.probe.CanAsk(); c.recv.looker.Near != want {
				t.Errorf("got near %v, want %v", c.recv.looker.Near, want)
			}
		})
	}
}

// A counted socket counts its writes.
type counted struct {
	*net.TCPConn
	writes atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// TestNearWritesTogether: callers whose responses came together, and who then ask again,
// have their requests go out in one write.
func TestNearWritesTogether(t *testing.T) {
	const callers, rounds = 16, 200
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // or who is woken may be late
	client, server := loopback(t)
	go answerTogether(server, callers)
	socket := &counted{TCPConn: client.(*net.TCPConn)}
	c, err := NewConn(socket, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(nil)
	if !c.recv.looker.Near {
		t.Skip("no look at the socket on this system")
	}
	u := &url.URL{Scheme: "https", Host: "a.test", Path: "/"}
	get := func() error {
		if err := c.Reserve(); err != nil {
			return err
		}
		resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: u})
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range rounds {
				if err := get(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if got := socket.writes.Load(); got > rounds*7/4 {
		t.Errorf("got %d writes for %d times %d requests", got, rounds, callers)
	}
}

// answerTogether answers as many requests at a time, in one write.
func answerTogether(nc net.Conn, together int) {
	io.CopyN(io.Discard, nc, int64(len(http2.ClientPreface)))
	var out frames
	in := http2.NewFramer(&out, nc)
	in.WriteSettings()
	var waiting []uint32
	for {
		f, err := in.ReadFrame()
		if err != nil {
			return
		}
		if _, ok := f.(*http2.HeadersFrame); !ok {
			continue
		}
		if waiting = append(waiting, f.Header().StreamID); len(waiting) < together {
			continue
		}
		for _, id := range waiting {
			in.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte{0x88}, EndHeaders: true})
			in.WriteData(id, true, []byte("answer"))
		}
		nc.Write(out)
		waiting, out = waiting[:0], out[:0]
	}
}

// Frames are written at once, later.
type frames []byte

func (f *frames) Write(p []byte) (int, error) {
	*f = append(*f, p...)
	return len(p), nil
}
