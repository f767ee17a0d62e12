package main

import (
	"bytes"
	"strconv"
	"strings"
)

// What the server has, whatever the protocol.
const (
	smallPath = "/small" // GET: smallSize bytes
	lastPath  = "/last"  // the same, and the connection serves nothing after it
	downPath  = "/down/" // GET: as many bytes as the rest of the path says
	upPath    = "/up"    // POST: takes a body and answers with nothing
)

const smallSize = 1 << 10

var (
	smallBody = bytes.Repeat([]byte("x"), smallSize)
	zeros     = make([]byte, 256<<10) // what downloads are made of
)

// An answer is what a path has, its status being 200.
type answer struct {
	mime string
	size int64
	body []byte // nil: zeros
	last bool   // close the connection behind it
}

func answerTo(path string) (answer, bool) {
	switch path {
	case smallPath, lastPath:
		return answer{mime: "application/json", size: smallSize, body: smallBody, last: path == lastPath}, true
	case upPath:
		return answer{mime: "text/plain"}, true
	}
	size, ok := strings.CutPrefix(path, downPath)
	n, err := strconv.ParseInt(size, 10, 64)
	return answer{mime: "application/octet-stream", size: n}, ok && err == nil && n >= 0
}

// fields are the header fields of a, in lower case, as name and value.
func (a answer) fields() [][2]string {
	return [][2]string{
		{"date", "Mon, 02 Jan 2026 15:04:05 GMT"},
		{"content-type", a.mime},
		{"content-length", strconv.FormatInt(a.size, 10)},
		{"cache-control", "no-store"},
		{"etag", `"5f3759df-64"`},
		{"server", "bench"},
	}
}
