package h2

import (
	"net"
	"net/url"
	"runtime"
	"testing"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
)

// TestReaderKeepsUp: what came all at once is read while the receiver takes it, not
// afterwards, also where both have one processor.
func TestReaderKeepsUp(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const frames, limit = 12, 2 * readBuffer
	least := frames * maxFrame
	for try := 0; try < 20 && least > limit; try++ { // the machine may have use for the processor
		least = min(least, backlog(t, frames))
	}
	if least > limit {
		t.Errorf("%d bytes waited for the reader at once, want no more than %d", least, limit)
	}
}

// backlog reads a body of so many frames, which come at once, and returns how many bytes
// of it waited to be read at most.
func backlog(t *testing.T, frames int) (most int) {
	client, server := loopback(t)
	client.(*net.TCPConn).SetReadBuffer(2 * frames * maxFrame)
	c, err := NewConn(client, Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(nil)
	fr := http2.NewFramer(server, nil)
	fr.WriteSettings()
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x88}, EndHeaders: true})
	if err := c.Reserve(); err != nil {
		t.Fatal(err)
	}
	resp, err := c.RoundTrip(t.Context(), &exchange.Request{URL: &url.URL{Scheme: "http", Host: "a.test"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all := make([]byte, frames*(frameHeaderLen+maxFrame))
	for i := range frames {
		putFrameHeader(all[i*(frameHeaderLen+maxFrame):], maxFrame, 1, false)
	}
	go server.Write(all) // it is closed in the end
	b := resp.Body.(*body)
	buf := make([]byte, maxFrame)
	for n := 0; n < frames*maxFrame; {
		m, err := b.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		n += m
		b.mu.Lock()
		most = max(most, m+b.size)
		b.mu.Unlock()
	}
	return most
}
