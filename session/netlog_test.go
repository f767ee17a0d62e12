package session_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// A logFile is a log as a viewer reads it.
type logFile struct {
	Constants  map[string]json.RawMessage
	Events     []logEvent
	PolledData map[string]json.RawMessage

	types, sources map[int]string
}

type logEvent struct {
	Type, Phase int
	Time        string
	Source      struct {
		ID, Type  int
		StartTime string `json:"start_time"`
	}
	Params map[string]any
}

const (
	phaseNone = iota
	phaseBegin
	phaseEnd
)

// repair is what a viewer does to a file that does not parse: cut it at the last
// separator of events, and close it.
func repair(data []byte) []byte {
	if json.Valid(data) {
		return data
	}
	if i := bytes.LastIndex(data, []byte(",\n")); i >= 0 {
		data = data[:i]
	}
	return append(slices.Clip(data), "]}"...)
}

func loadLog(t *testing.T, data []byte) *logFile {
	t.Helper()
	f := &logFile{}
	if err := json.Unmarshal(data, f); err != nil {
		t.Fatalf("%v in %.2000s", err, data)
	}
	f.types, f.sources = f.words(t, "logEventTypes"), f.words(t, "logSourceType")
	return f
}

func (f *logFile) words(t *testing.T, dict string) map[int]string {
	t.Helper()
	var byName map[string]int
	if err := json.Unmarshal(f.Constants[dict], &byName); err != nil {
		t.Fatalf("constants: %s: %v", dict, err)
	}
	words := make(map[int]string)
	for name, n := range byName {
		words[n] = name
	}
	return words
}

func (f *logFile) name(e *logEvent) string { return f.types[e.Type] }

// check holds what every log must keep to: known types, time that does not run
// back, spans that nest within their source, and references that lead somewhere.
// whole says that no span is open at the end.
func (f *logFile) check(t *testing.T, whole bool) {
	t.Helper()
	var last int64
	open := map[int][]int{}
	known := map[int]int{}
	for i := range f.Events {
		e := &f.Events[i]
		if f.name(e) == "" || f.sources[e.Source.Type] == "" {
			t.Errorf("event %d: unknown type %d or source %d", i, e.Type, e.Source.Type)
		}
		at, err := strconv.ParseInt(e.Time, 10, 64)
		if err != nil || at < last {
			t.Errorf("event %d: time %q after %d: %v", i, e.Time, last, err)
		}
		last = at
		if typ, ok := known[e.Source.ID]; ok && typ != e.Source.Type {
			t.Errorf("source %d is a %s and a %s", e.Source.ID, f.sources[typ], f.sources[e.Source.Type])
		}
		known[e.Source.ID] = e.Source.Type
		stack := open[e.Source.ID]
		switch e.Phase {
		case phaseBegin:
			open[e.Source.ID] = append(stack, e.Type)
		case phaseEnd:
			if n := len(stack); n == 0 || stack[n-1] != e.Type {
				t.Errorf("event %d: end of %s in source %d, where %v is open", i, f.name(e), e.Source.ID, f.names(stack))
			} else {
				open[e.Source.ID] = stack[:n-1]
			}
		}
	}
	for i := range f.Events {
		dep, ok := f.Events[i].Params["source_dependency"].(map[string]any)
		if !ok {
			continue
		}
		id, _ := dep["id"].(float64)
		if typ, ok := known[int(id)]; !ok || float64(typ) != dep["type"] {
			t.Errorf("event %d (%s) depends on %v, which is not in the log", i, f.name(&f.Events[i]), dep)
		}
	}
	for id, stack := range open {
		if whole && len(stack) > 0 {
			t.Errorf("source %d (%s) leaves open: %v", id, f.sources[known[id]], f.names(stack))
		}
	}
}

func (f *logFile) names(types []int) []string {
	var names []string
	for _, n := range types {
		names = append(names, f.types[n])
	}
	return names
}

// seen lists "SOURCE_TYPE EVENT" of all events, each once.
func (f *logFile) seen() map[string]bool {
	seen := map[string]bool{}
	for i := range f.Events {
		e := &f.Events[i]
		seen[f.sources[e.Source.Type]+" "+f.name(e)] = true
	}
	return seen
}

// secrets is a request whose every secret has a word of its own.
func secrets(base string) (string, *fetch.Init) {
	return strings.Replace(base, "://", "://user:urlsecret@", 1), &fetch.Init{Header: exchange.Fields{
		{Name: "Authorization", Value: "Bearer authsecret"}, {Name: "Cookie", Value: "a=cookiesecret"},
	}}
}

// record has a session fetch over HTTPS, twice, with the log on, and stops it.
func record(t *testing.T, mode netlog.Mode) []byte {
	t.Helper()
	ca := nettest.NewCA()
	srv := nettest.NewTLSServer(t, ca.Config("shop.test"), nettest.Respond("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nSet-Cookie: b=setsecret\r\n\r\nbodysecret"))
	s := newSession(t, mapping(t, ca, "shop.test"))
	var out bytes.Buffer
	if err := s.NetLog().Start(&out, netlog.Options{Mode: mode}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, err := s.Fetch(t.Context(), "", nil)
		if err == nil {
			resp.Body.Close()
			t.Fatal("an empty URL: no error")
		}
		url, init := secrets(strings.Replace(srv.URL(), "127.0.0.1", "shop.test", 1))
		if resp, err = s.Fetch(t.Context(), url, init); err != nil {
			t.Fatal(err)
		}
		if body, err := resp.Text(); err != nil || body != "bodysecret" {
			t.Fatalf("%q, %v", body, err)
		}
	}
	if _, err := s.Fetch(t.Context(), "https://no-such-host.invalid/", nil); neterr.CodeOf(err) != neterr.NameNotResolved {
		t.Fatal(err)
	}
	// Close waits for what still has its end to log, and then stops the log.
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestNetLog(t *testing.T) {
	data := record(t, netlog.Default)
	var top map[string]json.RawMessage
	if err := json.Unmarshal(data, &top); err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(top)); !slices.Equal(got, []string{"constants", "events", "polledData"}) {
		t.Errorf("top level: got %v", got)
	}
	f := loadLog(t, data)
	f.check(t, true)
	if f.PolledData["socketPoolInfo"] == nil {
		t.Errorf("polled data: %v", f.PolledData)
	}
	seen := f.seen()
	for _, want := range []string{
		"URL_REQUEST REQUEST_ALIVE", "URL_REQUEST URL_REQUEST_START_JOB", // request
		"URL_REQUEST HTTP_STREAM_REQUEST", "URL_REQUEST SOCKET_POOL", // pool
		"URL_REQUEST SOCKET_POOL_REUSED_AN_EXISTING_SOCKET", "URL_REQUEST SOCKET_POOL_BOUND_TO_SOCKET",
		"SSL_CONNECT_JOB CONNECT_JOB",                                                      // connect
		"SOCKET TCP_CONNECT_ATTEMPT", "SOCKET SOCKET_ALIVE", "SSL_CONNECT_JOB SSL_CONNECT", // TCP, TLS
		"URL_REQUEST HTTP_TRANSACTION_SEND_REQUEST", "URL_REQUEST HTTP_TRANSACTION_READ_HEADERS", // HTTP/1
		"URL_REQUEST HTTP_TRANSACTION_SEND_REQUEST_HEADERS", "URL_REQUEST HTTP_TRANSACTION_READ_RESPONSE_HEADERS",
		"URL_REQUEST HTTP_TRANSACTION_READ_BODY",
	} {
		if !seen[want] {
			t.Errorf("%s is missing", want)
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(s string) bool { return strings.Contains(s, "HOST_RESOLVER") }) {
		t.Error("no event of the resolver")
	}
	if t.Failed() {
		t.Logf("seen: %s", strings.Join(slices.Sorted(maps.Keys(seen)), "\n\t"))
	}
}

func TestNetLogSecrets(t *testing.T) {
	words := []string{"authsecret", "cookiesecret", "setsecret", "urlsecret", "bodysecret"}
	for _, tt := range []struct {
		mode netlog.Mode
		kept []string
	}{
		{netlog.Default, nil},
		{netlog.IncludeSensitive, []string{"authsecret", "cookiesecret", "setsecret", "urlsecret"}},
	} {
		data := record(t, tt.mode)
		for _, word := range words {
			if got, want := bytes.Contains(data, []byte(word)), slices.Contains(tt.kept, word); got != want {
				t.Errorf("%v: %s in the file: %v, want %v", tt.mode, word, got, want)
			}
		}
	}
}

// TestNetLogKilled kills a process in the middle of fetching and logging.
func TestNetLogKilled(t *testing.T) {
	const enough = 100 << 10
	if env := os.Getenv("KAON_SESSION_NETLOG"); env != "" {
		path, url, _ := strings.Cut(env, "|")
		fetchForever(path, url, enough)
	}
	srv := nettest.NewServer(t, nettest.Respond(okResponse))
	path := filepath.Join(t.TempDir(), "log.json")
	cmd := exec.Command(os.Args[0], "-test.run=^TestNetLogKilled$")
	cmd.Env = append(os.Environ(), "KAON_SESSION_NETLOG="+path+"|"+srv.URL())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	cmd.Process.Kill()
	cmd.Wait()
	if err != nil || line != "enough\n" {
		t.Fatalf("the child said %q, %v", line, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if json.Valid(data) {
		t.Fatal("the file has an end: the child was not killed in the middle")
	}
	f := loadLog(t, repair(data))
	f.check(t, false)
	if len(f.Events) < enough/300 || !f.seen()["URL_REQUEST HTTP_TRANSACTION_READ_HEADERS"] {
		t.Errorf("%d events in %d bytes", len(f.Events), len(data))
	}
}

// fetchForever says so on the standard output when the log has the given size.
func fetchForever(path, url string, size int64) {
	err := func() error {
		s, err := session.New(session.Config{})
		if err != nil {
			return err
		}
		if err := s.NetLog().StartFile(path, netlog.Options{}); err != nil {
			return err
		}
		for said := false; ; {
			resp, err := s.Fetch(context.Background(), url, nil)
			if err != nil {
				return err
			}
			if _, err := resp.Bytes(); err != nil {
				return err
			}
			if fi, err := os.Stat(path); !said && err == nil && fi.Size() >= size {
				said = true
				fmt.Println("enough")
			}
		}
	}()
	fmt.Println(err)
	os.Exit(1)
}
