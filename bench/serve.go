package main

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// What the server has, whatever the protocol.
const (
	smallPath = "/small" // GET: smallSize bytes
	lastPath  = "/last"  // the same, and the connection serves nothing after it
	downPath  = "/down/" // GET: as many bytes as the rest of the path says
	upPath    = "/up"    // POST: takes a body and answers with nothing
	keptRoot  = "/kept/" // GET: as downPath, to be stored; what follows a slash tells one from another
)

// keptPath is where responses of a size are that a cache stores: the rest of the path is
// anything.
func keptPath(size int64) string { return keptRoot + strconv.FormatInt(size, 10) + "/" }

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
	kept bool   // a cache may have it for an hour
}

func answerTo(path string) (answer, bool) {
	switch path {
	case smallPath, lastPath:
		return answer{mime: "application/json", size: smallSize, body: smallBody, last: path == lastPath}, true
	case upPath:
		return answer{mime: "text/plain"}, true
	}
	size, ok := strings.CutPrefix(path, downPath)
	a := answer{mime: "application/octet-stream"}
	if !ok {
		size, ok = strings.CutPrefix(path, keptRoot)
		size, _, a.kept = strings.Cut(size, "/")
	}
	n, err := strconv.ParseInt(size, 10, 64)
	if a.size = n; a.kept && n == smallSize {
		a.body = smallBody
	}
	return a, ok && err == nil && n >= 0
}

// fields are the header fields of a, in lower case, as name and value.
func (a answer) fields() [][2]string {
	date, control := "Mon, 02 Jan 2026 15:04:05 GMT", "no-store"
	if a.kept {
		date, control = time.Now().UTC().Format(http.TimeFormat), "max-age=3600"
	}
	return [][2]string{
		{"date", date},
		{"content-type", a.mime},
		{"content-length", strconv.FormatInt(a.size, 10)},
		{"cache-control", control},
		{"etag", `"5f3759df-64"`},
		{"server", "bench"},
	}
}
