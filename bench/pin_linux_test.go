package main

import (
	"net"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestAwait(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 8)
	if n := await(raw, p, time.Millisecond); n != 0 {
		t.Errorf("nothing sent: got %d bytes", n)
	}
	if _, err := client.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	var n int
	nettest.Eventually(t, "the bytes arrived", func() bool {
		n = await(raw, p, time.Millisecond)
		return n > 0
	})
	if got := string(p[:n]); got != "abc" {
		t.Errorf("got %q, want abc", got)
	}
	client.Close()
	if n := await(raw, p, 10*time.Second); n != 0 {
		t.Errorf("closed: got %d bytes", n)
	}
}
