package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// serveH1 answers the requests of one connection, one after the other.
func (s *server) serveH1(conn net.Conn, c *cork) {
	in := bufio.NewReaderSize(conn, 8<<10)
	var kept h1Response
	for {
		path, length, err := readHead(in, kept.path)
		if err != nil || skip(in, conn, length) != nil {
			return
		}
		if path != kept.path {
			kept = newH1Response(path)
		}
		s.requests.Add(1)
		if kept.write(conn, c) != nil || kept.last {
			return
		}
	}
}

// readHead returns the path of a request, which is likely the same as the one before,
// and the length of its body.
func readHead(in *bufio.Reader, likely string) (path string, length int64, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return "", 0, err
	}
	_, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, _ := bytes.Cut(rest, []byte(" "))
	if path = likely; string(target) != likely {
		path = string(target)
	}
	for {
		line, err := in.ReadSlice('\n')
		if err != nil || len(line) <= 2 {
			return path, length, err
		}
		const name = "content-length:"
		if len(line) > len(name) && line[0]|0x20 == 'c' && strings.EqualFold(string(line[:len(name)]), name) {
			length, _ = strconv.ParseInt(string(bytes.TrimSpace(line[len(name):])), 10, 64)
		}
	}
}

// skip reads n bytes, past the buffer where it has no more of them.
func skip(in *bufio.Reader, conn io.Reader, n int64) error {
	if n == 0 {
		return nil
	}
	buffered, _ := in.Discard(int(min(n, int64(in.Buffered()))))
	sink := make([]byte, len(zeros))
	for n -= int64(buffered); n > 0; {
		m, err := conn.Read(sink[:min(n, int64(len(sink)))])
		if err != nil {
			return err
		}
		n -= int64(m)
	}
	return nil
}

// An h1Response is what goes out for a path: for all but downloads in one piece.
type h1Response struct {
	answer
	path  string
	start []byte // the head, with the body if that is not zeros
}

func newH1Response(path string) h1Response {
	a, ok := answerTo(path)
	if !ok {
		return h1Response{path: path, start: []byte("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")}
	}
	b := []byte("HTTP/1.1 200 OK\r\n")
	for _, f := range a.fields() {
		b = append(b, http.CanonicalHeaderKey(f[0])+": "+f[1]+"\r\n"...)
	}
	if a.last {
		b = append(b, "Connection: close\r\n"...)
	}
	b = append(append(b, "\r\n"...), a.body...)
	return h1Response{answer: a, path: path, start: b}
}

func (r *h1Response) write(conn io.Writer, c *cork) error {
	if _, err := conn.Write(r.start); err != nil {
		return err
	}
	if r.body != nil {
		return c.flush()
	}
	for left := r.size; left > 0; left -= min(left, int64(len(zeros))) {
		if _, err := conn.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
			return err
		}
		if err := c.flush(); err != nil {
			return err
		}
	}
	return c.flush()
}
