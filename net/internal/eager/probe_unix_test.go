//go:build unix

package eager_test

import (
	"net"
	"runtime"
	"testing"

	"github.com/kaon-net/kaon/net/internal/eager"
)

// TestProbeReadable: nothing to read, something, and the end.
func TestProbeReadable(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	peer, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	var p eager.Probe
	p.Init(nc)
	if !p.CanAsk() || p.Readable() {
		t.Fatalf("silent peer: got canAsk %v, readable %v, want true, false", p.CanAsk(), p.Readable())
	}
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	for !p.Readable() { // the test's time limit ends this if the byte never shows
		runtime.Gosched()
	}
	if _, err := nc.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if p.Readable() {
		t.Error("readable after all was read")
	}
	nc.Close()
	if !p.Readable() {
		t.Error("closed on this side: not readable, so that nobody would notice")
	}
}
