package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// The origin is this program run once more. It speaks just enough HTTP/1.1 to
// answer GETs from prepared bytes, so that it needs less CPU than any client and the
// client is what is measured.

const (
	originEnv     = "KAON_BENCH_ORIGIN"
	serverCoreEnv = "KAON_BENCH_SERVER_CORE" // the processor it gets, if any
)

// isOrigin reports whether this process is to be the server.
func isOrigin() bool { return os.Getenv(originEnv) != "" }

// serveOrigin prints the address it listens at and serves until standard input ends,
// which it does with the process that started it, however that goes.
func serveOrigin() error {
	if core, err := strconv.Atoi(os.Getenv(serverCoreEnv)); err == nil {
		pin(core)
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer ln.Close()
	if _, err := fmt.Println(ln.Addr()); err != nil {
		return err
	}
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serveConn(c)
		}
	}()
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

var (
	smallResponse = append(head(smallSize, "application/json"), bytes.Repeat([]byte("x"), smallSize)...)
	bigHead       = head(bigSize, "application/octet-stream")
	bigChunk      = make([]byte, 256<<10) // bigSize is a multiple of it
	notFound      = []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
)

func head(size int, mime string) []byte {
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\n"+
		"Date: Mon, 02 Jan 2026 15:04:05 GMT\r\n"+
		"Content-Type: %s\r\n"+
		"Content-Length: %d\r\n"+
		"Cache-Control: no-store\r\n"+
		"Etag: \"5f3759df-64\"\r\n"+
		"Server: bench\r\n\r\n", mime, size)
}

// serveConn answers requests without bodies, one after the other.
func serveConn(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 8<<10)
	for {
		first := true
		var answer func(net.Conn) error
		for {
			line, err := r.ReadSlice('\n')
			if err != nil {
				return
			}
			if first {
				first, answer = false, route(line)
			} else if len(line) <= 2 {
				break
			}
		}
		if answer(c) != nil {
			return
		}
	}
}

func route(line []byte) func(net.Conn) error {
	switch {
	case bytes.HasPrefix(line, []byte("GET /small ")):
		return answerSmall
	case bytes.HasPrefix(line, []byte("GET /big ")):
		return answerBig
	}
	return answerNotFound
}

func answerSmall(c net.Conn) error {
	_, err := c.Write(smallResponse)
	return err
}

func answerBig(c net.Conn) error {
	if _, err := c.Write(bigHead); err != nil {
		return err
	}
	for range bigSize / len(bigChunk) {
		if _, err := c.Write(bigChunk); err != nil {
			return err
		}
	}
	return nil
}

func answerNotFound(c net.Conn) error {
	_, err := c.Write(notFound)
	return err
}

// An origin is the server's process seen from the client's.
type origin struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer
}

// startOrigin runs this program, or test binary, as the server. It gets one thread
// to run Go on: the other processors are the client's.
func startOrigin() (*origin, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), originEnv+"=1", "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	o := &origin{cmd: cmd, stdin: stdin}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		o.stop()
		return nil, fmt.Errorf("origin gave no address: %w", err)
	}
	o.url = "http://" + strings.TrimSpace(addr)
	return o, nil
}

// stop ends the server and waits for it.
func (o *origin) stop() {
	o.stdin.Close()
	o.cmd.Wait()
}

// canned is a body of so many zero bytes, given as fast as they can be counted.
type canned int64

func (b *canned) Read(p []byte) (int, error) {
	if *b == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), int64(*b))
	*b -= canned(n)
	return int(n), nil
}

func (b *canned) Close() error { return nil }
