package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// A workload is one way to load the client: the same request again and again, as many
// at a time as it has connections.
type workload struct {
	name  string
	proto string
	conns int // requests at a time; over HTTP/1.1 each has a connection

	path     string
	urls     urls  // what goes behind the path
	upload   int64 // bytes of the request's body
	download int64 // of the response's

	cache string // where the clients keep responses; empty: these are not to be stored

	requests int  // of a round
	cold     bool // each request makes a connection
	resume   bool // and resumes a TLS session

	want target
}

// urls says which requests have a URL of their own.
type urls int

const (
	one         urls = iota // none: all have the same
	eachWorker              // those that run at a time
	eachRequest             // all, also from those of other rounds
)

// The protocols, as the origin serves them at an address each.
const (
	h1    = "h1"
	h1TLS = "h1+tls"
	h2    = "h2"

	h3Proto = "h3" // h3 is the package
)

var protocols = []string{h1, h1TLS, h2, h3Proto}

// Sizes are how much work a round is.
type sizes struct {
	requests int   // small GETs
	body     int64 // bytes of a big body
}

func workloads(s sizes) []workload {
	var ws []workload
	for _, proto := range protocols {
		conns := []int{1, 16, 64, 256}
		if proto == h2 || proto == h3Proto {
			conns = []int{1, 16, 100}
		}
		for _, n := range conns {
			w := workload{name: "small GET", proto: proto, conns: n, path: smallPath, download: smallSize}
			w.requests = s.requests
			if n == 1 {
				w.requests /= 4 // waiting for the server takes the time
			}
			ws = append(ws, w)
		}
	}
	for _, proto := range protocols {
		ws = append(ws, workload{
			name: "body down", proto: proto, conns: 1, requests: 1,
			path: downPath + strconv.FormatInt(s.body, 10), download: s.body,
		})
	}
	for _, proto := range protocols {
		ws = append(ws, workload{
			name: "body up", proto: proto, conns: 1, requests: 1,
			path: upPath, upload: s.body,
		})
	}
	for _, proto := range protocols[:3] {
		w := workload{name: "cold GET", proto: proto, conns: 1, path: lastPath, download: smallSize, cold: true}
		if proto == h1 {
			w.requests = s.requests / 20
			ws = append(ws, w)
			continue
		}
		w.requests = s.requests / 100
		ws = append(ws, w)
		w.name, w.resume = "cold GET, resumed", true
		ws = append(ws, w)
	}
	ws = append(ws, cacheWorkloads(s)...)
	for i := range ws {
		ws[i].requests = max(1, ws[i].requests)
		ws[i].want = ws[i].target()
	}
	return ws
}

func (w workload) String() string {
	return w.name + "/proto=" + w.proto + "/conns=" + strconv.Itoa(w.conns)
}

func (w workload) method() string {
	if w.upload > 0 {
		return http.MethodPost
	}
	return http.MethodGet
}

// addresses returns what gives the URL of a request of one round, by the worker that
// makes it and its number.
func (w workload) addresses(origin string) func(worker, at int) string {
	url := origin + w.path
	switch w.urls {
	case eachWorker:
		list := make([]string, w.conns)
		for i := range list {
			list[i] = url + strconv.Itoa(i)
		}
		return func(worker, _ int) string { return list[worker] }
	case eachRequest:
		url += strconv.FormatInt(time.Now().UnixNano(), 36) + "/"
		return func(_, at int) string { return url + strconv.Itoa(at) }
	}
	return func(int, int) string { return url }
}

// check says what is wrong with a whole round, given what the server did during it.
func (w workload) check(s sample, did tally) error {
	n := w.requests
	if w.cache != "" && w.urls == eachWorker {
		if did.Requests != 0 {
			return fmt.Errorf("the server answered %d requests of %d, want a cache to answer all", did.Requests, n)
		}
		return nil
	}
	if did.Requests != int64(n) {
		// fewer: a cache answered; more: the client asked twice
		return fmt.Errorf("the server answered %d requests of %d", did.Requests, n)
	}
	if !w.cold {
		return nil
	}
	if did.Conns < int64(n) {
		return fmt.Errorf("%d connections for %d requests, want one for each", did.Conns, n)
	}
	want := 0
	if w.resume {
		want = n
	}
	if s.resumed != want {
		return fmt.Errorf("%d of %d handshakes were resumed, want %d", s.resumed, n, want)
	}
	return nil
}
