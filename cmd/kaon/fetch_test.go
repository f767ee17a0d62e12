package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestFetch(t *testing.T) {
	o, cacert := testOrigin(t)
	file := t.TempDir() + "/data"
	writeFile(t, file, "of a file\n")
	tests := []struct {
		name  string
		args  []string
		stdin string
		out   string
	}{
		{name: "get", args: []string{o.http + "/hello"}, out: "GET /hello"},
		{name: "method", args: []string{"-X", "delete", o.http + "/a"}, out: "DELETE /a"},
		{name: "data posts", args: []string{"-d", "x", o.http + "/a"}, out: "POST /a"},
		{name: "empty data posts", args: []string{"--data", "", o.http + "/a"}, out: "POST /a"},
		{name: "data with a method", args: []string{"-X", "PUT", "-d", "x", o.http + "/a"}, out: "PUT /a"},
		{name: "data", args: []string{"-d", "a=b&c", o.http + "/echo"}, out: "a=b&c"},
		{name: "data of a file", args: []string{"-d", "@" + file, o.http + "/echo"}, out: "of a file\n"},
		{name: "data of standard input", args: []string{"-d", "@-", o.http + "/echo"}, stdin: "piped", out: "piped"},
		{name: "data to several", args: []string{"-d", "@-", o.http + "/echo", o.http + "/echo"}, stdin: "piped", out: "pipedpiped"},
		{name: "redirected data", args: []string{"-d", "x", o.http + "/redirect/2"}, out: "arrived"},
		{name: "https", args: []string{"--cacert", cacert, o.https + "/hello"}, out: "GET /hello"},
		{name: "decoded", args: []string{o.http + "/coded/gzip"}, out: plainText(t)},
		{name: "several", args: []string{o.http + "/1", o.http + "/2"}, out: "GET /1GET /2"},
		{name: "output to standard output", args: []string{"-o", "-", o.http + "/hello"}, out: "GET /hello"},
		{name: "status is no failure", args: []string{o.http + "/coded/none"}, out: "404 page not found\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kaon(t, tt.stdin, append([]string{"fetch"}, tt.args...)...)
			if want := (result{0, tt.out, ""}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func plainText(t *testing.T) string {
	t.Helper()
	b, err := coded.ReadFile("coded/plain.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFetchHeaderFields(t *testing.T) {
	o, _ := testOrigin(t)
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"header", []string{"-H", "X-A: 1"}, "X-A: 1\r\n"},
		{"headers", []string{"-H", "X-A: 1", "-H", "X-B:2:3"}, "X-B: 2:3\r\n"},
		{"user agent", []string{"-A", "me/1"}, "User-Agent: me/1\r\n"},
		{"form by default", []string{"-d", "x"}, "Content-Type: application/x-www-form-urlencoded\r\n"},
		{"other type", []string{"-d", "{}", "-H", "content-type: application/json"}, "Content-Type: application/json\r\n"},
		{"empty data", []string{"-d", ""}, "Content-Length: 0\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kaon(t, "", append(append([]string{"fetch"}, tt.args...), o.http+"/headers")...)
			if got.status != 0 || !strings.Contains(got.out, tt.want) {
				t.Errorf("got %+v, want %q in the output", got, tt.want)
			}
		})
	}
}

func TestFetchHead(t *testing.T) {
	o, _ := testOrigin(t)
	tests := []struct {
		name       string
		args       []string
		start, end string
	}{
		{"include", []string{"-i", o.http + "/hello"}, "HTTP/1.1 200 OK\r\n", "\r\n\r\nGET /hello"},
		{"head", []string{"-I", o.http + "/hello"}, "HTTP/1.1 200 OK\r\n", "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"},
		{"manual redirect", []string{"-i", "--redirect", "manual", o.http + "/redirect/1"}, "HTTP/1.1 302 Found\r\n", "<a href=\"/redirect/0\">Found</a>.\n\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := kaon(t, "", append([]string{"fetch"}, tt.args...)...)
			if got.status != 0 || !strings.HasPrefix(got.out, tt.start) || !strings.HasSuffix(got.out, tt.end) {
				t.Errorf("got %+v, want output from %q to %q", got, tt.start, tt.end)
			}
		})
	}
}

// TestFetchSession: several URLs are one session's.
func TestFetchSession(t *testing.T) {
	o, cacert := testOrigin(t)
	got := kaon(t, "", "fetch", "-v", "--cacert", cacert, o.https+"/1", o.https+"/redirect/1?secret")
	if got.status != 0 {
		t.Fatalf("got %+v", got)
	}
	first, second, _ := strings.Cut(strings.TrimPrefix(got.err, "url"), "url")
	tables := []struct {
		name   string
		got    map[string]string
		want   map[string]string
		dashes []string // steps that did not happen
	}{
		{
			"first", table("url" + first),
			map[string]string{"url": o.https + "/1", "status": "200 OK", "protocol": "HTTP/1.1", "reused": "no", "tls": "TLS 1.3, X25519MLKEM768", "cache": "fwd=uri-miss; stored"},
			nil,
		},
		{
			"second", table("url" + second),
			map[string]string{"url": o.https + "/redirect/0", "redirects": "1", "status": "200 OK", "reused": "yes"},
			[]string{"dns", "connect", "tls handshake"},
		},
	}
	for _, tt := range tables {
		for name, want := range tt.want {
			if tt.got[name] != want {
				t.Errorf("%s: %s: got %q, want %q", tt.name, name, tt.got[name], want)
			}
		}
		for _, name := range []string{"dns", "connect", "tls handshake", "first byte", "total"} {
			dash := strings.Contains(strings.Join(tt.dashes, ";"), name)
			if got := tt.got[name]; got == "" || (got == "-") != dash {
				t.Errorf("%s: %s: got %q, want a dash: %t", tt.name, name, got, dash)
			}
		}
	}
	var body, wire int
	if _, err := fmt.Sscanf(tables[0].got["bytes"], "%d (%d on the wire)", &body, &wire); err != nil || body != len("GET /1") || wire <= body {
		t.Errorf("bytes: got %q", tables[0].got["bytes"])
	}
	if o.conns.Load() != 1 {
		t.Errorf("opened %d sockets, want 1", o.conns.Load())
	}
}

// TestFetchCache: -v says that the cache had the response, and what it did not take.
func TestFetchCache(t *testing.T) {
	o, cacert := testOrigin(t)
	got := kaon(t, "", "fetch", "-v", "-s", "--cacert", cacert, o.https+"/kept?600", o.https+"/kept?600")
	if got.status != 0 || got.out != keptText+keptText {
		t.Fatalf("got status %d, %d bytes, %q", got.status, len(got.out), got.err)
	}
	_, second, _ := strings.Cut(strings.TrimPrefix(got.err, "url"), "url")
	seen := table("url" + second)
	want := map[string]string{
		"status": "200 OK", "protocol": "HTTP/1.1", "reused": "no", "connect": "-", "first byte": "-",
		"remote": strings.Replace(strings.TrimPrefix(o.https, "https://"), "localhost", "127.0.0.1", 1),
		"bytes":  fmt.Sprintf("%d (0 on the wire)", len(keptText)),
	}
	for name, want := range want {
		if seen[name] != want {
			t.Errorf("%s: got %q, want %q", name, seen[name], want)
		}
	}
	if got := seen["cache"]; !strings.HasPrefix(got, "hit; ttl=") {
		t.Errorf("cache: got %q, want a hit", got)
	}
}

// TestFetchHTTP3: -v says which protocol it was, and how HTTP/3 was found.
func TestFetchHTTP3(t *testing.T) {
	o, cacert := testOrigin(t)
	args := []string{"fetch", "-v", "-s", "--cacert", cacert}
	for range 50 { // the first few are quicker than a handshake
		args = append(args, o.h3+"/http3")
	}
	got := kaon(t, "", args...)
	if got.status != 0 {
		t.Fatalf("got %+v", got)
	}
	tables := strings.Split(strings.TrimPrefix(got.err, "url"), "\nurl")
	first, last := table("url" + tables[0])["protocol"], table("url" + tables[len(tables)-1])["protocol"]
	if want := "HTTP/3.0, found by Alt-Svc"; first != "HTTP/2.0" || last != want {
		t.Errorf("got %q, in the end %q; want HTTP/2.0, %s", first, last, want)
	}
}

// table reads what printTiming printed.
func table(s string) map[string]string {
	rows := map[string]string{}
	for line := range strings.Lines(s) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		rows[name] = strings.TrimSpace(value)
	}
	return rows
}

func TestFetchNetLog(t *testing.T) {
	o, _ := testOrigin(t)
	// The log is whole whether the fetch succeeds or not.
	for path, status := range map[string]int{"/hello": 0, "/empty": 1} {
		file := t.TempDir() + "/log.json"
		if got := kaon(t, "", "fetch", "--netlog", file, o.http+path); got.status != status {
			t.Fatalf("%s: got %+v, want status %d", path, got, status)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var log struct {
			Constants struct {
				ClientInfo struct{ Name string } `json:"clientInfo"`
			} `json:"constants"`
			Events     []any          `json:"events"`
			PolledData map[string]any `json:"polledData"`
		}
		if err := json.Unmarshal(b, &log); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if len(log.Events) == 0 || len(log.PolledData) == 0 || log.Constants.ClientInfo.Name != "kaon" {
			t.Errorf("%s: got %d events, %d polled data, client %q", path, len(log.Events), len(log.PolledData), log.Constants.ClientInfo.Name)
		}
	}
}

func TestFetchErrors(t *testing.T) {
	o, _ := testOrigin(t)
	dir := t.TempDir()
	noCerts := dir + "/empty.pem"
	writeFile(t, noCerts, "hello")
	ssh := nettest.NewServer(t, func(c *nettest.Conn) {
		c.Print("SSH-2.0-server\r\n")
		c.WaitClose()
	})
	refused := fmt.Sprintf("http://127.0.0.1:%d/", nettest.FreePort(t))
	tests := []struct {
		name   string
		args   []string
		status int
		err    []string
	}{
		{"refused", []string{refused}, 1, []string{"kaon fetch: net::ERR_CONNECTION_REFUSED: "}},
		{"unknown authority", []string{o.https}, 1, []string{"net::ERR_CERT_AUTHORITY_INVALID", "--cacert FILE"}},
		{"not TLS", []string{"https" + strings.TrimPrefix(ssh.URL(), "http")}, 1, []string{"net::ERR_SSL_PROTOCOL_ERROR", "http://"}},
		{"not HTTP", []string{o.http + "/garbage"}, 1, []string{"net::ERR_INVALID_HTTP_RESPONSE", "https://"}},
		{"cut body", []string{o.http + "/short"}, 1, []string{"after 4 bytes of the body: net::ERR_CONTENT_LENGTH_MISMATCH"}},
		{"loop", []string{o.http + "/loop"}, 1, []string{"net::ERR_TOO_MANY_REDIRECTS", "--redirect manual"}},
		{"redirect refused", []string{"--redirect", "error", o.http + "/redirect/1"}, 1, []string{"net::ERR_FAILED: redirect"}},
		{"restricted port", []string{"http://localhost:25/"}, 1, []string{"net::ERR_UNSAFE_PORT", "ports of other protocols"}},
		{"too slow", []string{"-m", "10ms", o.http + "/hang"}, 1, []string{"kaon fetch: --max-time 10ms is over: net::ERR_TIMED_OUT"}},
		{"data file", []string{"-d", "@" + dir + "/none", o.http}, 1, []string{"--data: open "}},
		{"cacert file", []string{"--cacert", dir + "/none", o.http}, 1, []string{"--cacert: open "}},
		{"cacert without", []string{"--cacert", noCerts, o.http}, 1, []string{"no certificate in PEM form"}},
		{"netlog file", []string{"--netlog", dir + "/none/log", o.http}, 1, []string{"--netlog: open "}},

		{"no URL", []string{"user:secret"}, 2, []string{"kaon fetch: URL 1: net::ERR_", "https://"}},
		{"relative URL", []string{o.http, "/hello"}, 2, []string{"URL 2: net::ERR_INVALID_URL", "https://example.com/path"}},
		{"scheme", []string{"gopher://example.com/"}, 2, []string{"net::ERR_UNKNOWN_URL_SCHEME", "http:// or https://"}},
		{"method", []string{"-X", "A B", o.http}, 2, []string{"net::ERR_INVALID_ARGUMENT: fetch: invalid method\nSee 'kaon fetch --help'."}},
		{"method twice", []string{"-X", "GET", "-I", o.http}, 2, []string{"--head"}},
		{"head with data", []string{"-d", "", "-I", o.http}, 2, []string{"--data"}},
		{"head with output", []string{"-o", "x", "-I", o.http}, 2, []string{"--output"}},
		{"header", []string{"-H", "secret", o.http}, 2, []string{"without a colon"}},
		{"forbidden header", []string{"-H", "Host: x", o.http}, 2, []string{"header 'Host' is forbidden"}},
		{"redirect mode", []string{"--redirect", "x", o.http}, 2, []string{`follow, error or manual, not "x"`}},
		{"time", []string{"-m", "-1s", o.http}, 2, []string{"--max-time -1s is negative"}},
		{"output of several", []string{"-o", "x", o.http, o.http}, 2, []string{"--output takes the body of one URL"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := o.conns.Load()
			got := kaon(t, "", append([]string{"fetch"}, tt.args...)...)
			if got.status != tt.status {
				t.Errorf("status: got %d, want %d; standard error %q", got.status, tt.status, got.err)
			}
			for _, want := range tt.err {
				wantPart(t, "standard error", got.err, want)
			}
			if strings.Contains(got.err, "secret") {
				t.Errorf("standard error has the secret in it: %q", got.err)
			}
			if tt.status == 2 && o.conns.Load() != before {
				t.Error("a request was sent all the same")
			}
		})
	}
}

// TestFetchOneFails: the others are fetched all the same, and the failure is told.
func TestFetchOneFails(t *testing.T) {
	o, _ := testOrigin(t)
	secret := "http://user:secret@" + strings.TrimPrefix(o.http, "http://")
	got := kaon(t, "", "fetch", o.http+"/1", secret+"/empty?secret", o.http+"/3")
	if got.status != 1 || got.out != "GET /1GET /3" {
		t.Errorf("got %+v, want status 1 and two bodies", got)
	}
	wantPart(t, "standard error", got.err, "kaon fetch "+o.http+"/empty: net::ERR_EMPTY_RESPONSE")
	wantPart(t, "standard error", got.err, "kaon fetch: 1 of 3 URLs failed\n")
	if strings.Contains(got.err, "secret") {
		t.Errorf("standard error has the secret in it: %q", got.err)
	}
}

func TestFetchInterrupted(t *testing.T) {
	o, _ := testOrigin(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := t.TempDir() + "/log.json"
	done := make(chan result, 1)
	// The second URL is not tried.
	go func() { done <- kaonContext(ctx, "", "fetch", "--netlog", log, o.http+"/hang", o.http+"/hello") }()
	<-o.hanging
	cancel()
	if got, want := <-done, (result{130, "", "kaon fetch: interrupted\n"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b, err := os.ReadFile(log)
	if err != nil || !json.Valid(b) {
		t.Errorf("the NetLog is not whole: %v", err)
	}
}

// TestFetchInterruptedInput: standard input that never comes does not hold the
// program.
func TestFetchInterruptedInput(t *testing.T) {
	o, _ := testOrigin(t)
	in, typist := io.Pipe()
	defer typist.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := run(ctx, []string{"fetch", "-d", "@-", o.http}, streams{in, io.Discard, io.Discard}); got != 130 {
		t.Errorf("got status %d, want 130", got)
	}
}
