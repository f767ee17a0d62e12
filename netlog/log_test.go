package netlog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

func TestFileShape(t *testing.T) {
	before := time.Now()
	data := record(t, netlog.Options{
		Client:     netlog.ClientInfo{Version: "1.2", Modifier: "test"},
		PolledData: func() map[string]any { return map[string]any{"spdySessionInfo": []any{}} },
	}, func(l *netlog.Log) {
		src := l.Source(netlog.SourceURLRequest)
		src.Begin(netlog.RequestAlive, netlog.URL("url", "https://a.test/"))
		src.EndErr(netlog.RequestAlive, neterr.ConnectionRefused)
	})
	f := mustLoad(t, data)
	if got := f.Constants["clientInfo"].(map[string]any); got["name"] != "Kaon" || got["version"] != "1.2" || got["command_line"] != "" {
		t.Errorf("clientInfo = %v", got)
	}
	if got := f.Constants["logCaptureMode"]; got != "Default" {
		t.Errorf("logCaptureMode = %v, want Default", got)
	}
	netErrors := f.Constants["netError"].(map[string]any)
	if ok, found := netErrors["net::OK"]; !found || ok != 0.0 || netErrors["ERR_FAILED"] != -2.0 {
		t.Errorf("netError = %v", netErrors)
	}
	for dict, want := range map[string]map[string]float64{
		"loadFlag":          {"NORMAL": 0, "VALIDATE_CACHE": 1, "BYPASS_PROXY": 1 << 7, "IS_MAIN_FRAME_ORIGIN_RECENTLY_ACCESSED": 1 << 19},
		"loadState":         {"IDLE": 0, "DOWNLOADING_PAC_FILE": 6, "READING_RESPONSE": 15},
		"certStatusFlag":    {"COMMON_NAME_INVALID": 1, "NAME_CONSTRAINT_VIOLATION": 1 << 14, "SELF_SIGNED_LOCAL_NETWORK": 1 << 28},
		"certVerifierFlags": {"VERIFY_DISABLE_NETWORK_FETCHES": 1, "VERIFY_SXG_CT_REQUIREMENTS": 2},
		"certVerifyFlags":   {"VERIFY_DISABLE_NETWORK_FETCHES": 4, "VERIFY_SXG_CT_REQUIREMENTS": 8},
		"secureDnsMode":     {"Off": 0, "Automatic": 1, "Secure": 2},
		"logEventPhase":     {"PHASE_NONE": 0, "PHASE_BEGIN": 1, "PHASE_END": 2},
		"addressFamily":     {"ADDRESS_FAMILY_UNSPECIFIED": 0, "ADDRESS_FAMILY_IPV4": 1, "ADDRESS_FAMILY_IPV6": 2},
	} {
		got := f.Constants[dict].(map[string]any)
		for name, n := range want {
			if got[name] != n {
				t.Errorf("%s[%s] = %v, want %v", dict, name, got[name], n)
			}
		}
		if _, found := got["-"]; found {
			t.Errorf("%s names a bit that has no name", dict)
		}
	}

	if len(f.Events) != 2 {
		t.Fatalf("got %d events, want 2", len(f.Events))
	}
	begin, end := f.Events[0], f.Events[1]
	if begin.Type != "REQUEST_ALIVE" || begin.Phase != "PHASE_BEGIN" || begin.SourceType != "URL_REQUEST" || begin.Params["url"] != "https://a.test/" {
		t.Errorf("begin = %+v", begin)
	}
	if end.Phase != "PHASE_END" || end.SourceID != begin.SourceID || end.Params["net_error"] != -102.0 {
		t.Errorf("end = %+v", end)
	}
	wall := time.UnixMilli(begin.Time + int64(f.Constants["timeTickOffset"].(float64)))
	if wall.Before(before.Add(-2*time.Millisecond)) || wall.After(time.Now().Add(2*time.Millisecond)) {
		t.Errorf("begin was at %v by the file's clock, want between %v and now", wall, before)
	}

	var raw struct {
		Constants struct{ ClientInfo map[string]any }
		Events    []map[string]any
	}
	all := map[string]any{}
	if err := errors.Join(json.Unmarshal(data, &raw), json.Unmarshal(data, &all)); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/file_keys.txt")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, part := range []struct {
		name string
		m    map[string]any
	}{
		{"file", all},
		{"constants", f.Constants},
		{"clientInfo", raw.Constants.ClientInfo},
		{"event", raw.Events[0]},
		{"source", raw.Events[0]["source"].(map[string]any)},
	} {
		got.WriteString(part.name + ": " + strings.Join(slices.Sorted(maps.Keys(part.m)), " ") + "\n")
	}
	if got.String() != string(want) {
		t.Errorf("keys:\n%swant:\n%s", got.String(), want)
	}
}

func TestFileWithoutEvents(t *testing.T) {
	f := mustLoad(t, record(t, netlog.Options{}, func(*netlog.Log) {}))
	if len(f.Events) != 0 || f.PolledData != nil {
		t.Errorf("got %d events and polled data %v, want none", len(f.Events), f.PolledData)
	}
}

func TestPolledDataThatCannotBeWritten(t *testing.T) {
	loop := map[string]any{}
	loop["again"] = loop
	f := mustLoad(t, record(t, netlog.Options{PolledData: func() map[string]any { return loop }}, func(*netlog.Log) {}))
	if f.PolledData["again"] == nil {
		t.Errorf("polledData = %v", f.PolledData)
	}
}

func TestStartStopErrors(t *testing.T) {
	var l netlog.Log
	if err := l.Stop(); err != netlog.ErrNotRunning || err.Error() != "No net log in progress" {
		t.Errorf("Stop of nothing = %v", err)
	}
	if err := l.Start(io.Discard, netlog.Options{Mode: netlog.Everything + 1}); err != netlog.ErrMode {
		t.Errorf("Start in an unknown mode = %v, want ErrMode", err)
	}
	missing := filepath.Join(t.TempDir(), "no", "log.json")
	if err := l.StartFile(missing, netlog.Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("StartFile in a missing directory = %v, want os.ErrNotExist", err)
	}
	if err := l.Start(brokenWriter{}, netlog.Options{}); err != errBroken {
		t.Errorf("Start of a broken writer = %v, want its error", err)
	}
	if l.Running() || l.On() {
		t.Errorf("Running, On = %t, %t after failed starts", l.Running(), l.On())
	}

	if err := l.Start(io.Discard, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := l.Start(io.Discard, netlog.Options{}); err != netlog.ErrRunning || err.Error() != "There is already a net log running" {
		t.Errorf("second Start = %v", err)
	}
	if !l.Running() || !l.On() {
		t.Errorf("Running, On = %t, %t while recording", l.Running(), l.On())
	}
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	if l.Running() || l.On() {
		t.Errorf("Running, On = %t, %t after Stop", l.Running(), l.On())
	}
}

func TestSources(t *testing.T) {
	var l netlog.Log
	silent, lasting := l.Source(netlog.SourceSocket), l.Lasting(netlog.SourceSocket)
	var w bytes.Buffer
	if err := l.Start(&w, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	child := silent.New(netlog.SourceURLRequest)
	for _, s := range []netlog.Source{silent, lasting, child, {}, (*netlog.Log)(nil).Source(netlog.SourceNone)} {
		s.Event(netlog.SocketAlive, netlog.Dependency(child), netlog.Dependency(silent))
	}
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	lasting.Event(netlog.SocketAlive) // too late
	f := mustLoad(t, w.Bytes())
	if len(f.Events) != 2 {
		t.Fatalf("got %d events, want those of the lasting source and the child", len(f.Events))
	}
	if got := f.Events[0].SourceID; got != int(lasting.ID()) || silent.ID() != 0 {
		t.Errorf("first event is about %d, want %d; the silent source is %d, want 0", got, lasting.ID(), silent.ID())
	}
	if dep := f.Events[0].Params["source_dependency"].(map[string]any); dep["id"] != float64(child.ID()) || dep["type"] != float64(netlog.SourceURLRequest) {
		t.Errorf("source_dependency = %v, want the child", dep)
	}
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l netlog.Log
		src := l.Lasting(netlog.SourceSocket)
		time.Sleep(time.Minute)
		var w bytes.Buffer
		if err := l.Start(&w, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		src.Begin(netlog.SocketAlive)
		time.Sleep(1500 * time.Millisecond)
		src.End(netlog.SocketAlive)
		if err := l.Stop(); err != nil {
			t.Fatal(err)
		}
		f := mustLoad(t, w.Bytes())
		begin, end := f.Events[0], f.Events[1]
		if got := end.Time - begin.Time; got != 1500 {
			t.Errorf("the span took %d ms, want 1500", got)
		}
		if got := begin.Time - begin.SourceStart; got != time.Minute.Milliseconds() {
			t.Errorf("the source was %d ms old, want a minute", got)
		}
		if wall := time.UnixMilli(end.Time + int64(f.Constants["timeTickOffset"].(float64))); time.Since(wall).Abs() > time.Millisecond {
			t.Errorf("the end was at %v by the file's clock, want %v", wall, time.Now())
		}
	})
}

func TestConcurrentSources(t *testing.T) {
	const producers, events = 8, 300
	var (
		l  netlog.Log
		w  bytes.Buffer
		wg sync.WaitGroup
	)
	if err := l.Start(&w, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	for range producers {
		wg.Go(func() {
			src := l.Source(netlog.SourceURLRequest)
			for i := range events {
				src.Event(netlog.Cancelled, netlog.Int("n", i))
			}
		})
	}
	wg.Wait()
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	f := mustLoad(t, w.Bytes())
	if len(f.Events) != producers*events {
		t.Fatalf("got %d events, want %d", len(f.Events), producers*events)
	}
	next, last := map[int]float64{}, int64(0)
	for _, e := range f.Events {
		if e.Params["n"] != next[e.SourceID] {
			t.Fatalf("source %d: got event %v, want %v", e.SourceID, e.Params["n"], next[e.SourceID])
		}
		if e.Time < last {
			t.Fatalf("time runs back from %d to %d", last, e.Time)
		}
		next[e.SourceID]++
		last = e.Time
	}
}

// Producers go on while recordings come and go.
func TestConcurrentStartStop(t *testing.T) {
	var (
		l    netlog.Log
		wg   sync.WaitGroup
		stop = make(chan struct{})
	)
	src := l.Lasting(netlog.SourceSocket)
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					src.Event(netlog.SocketAlive, netlog.String("a", "b"))
				}
			}
		})
	}
	for range 20 {
		mustLoad(t, func() []byte {
			var w bytes.Buffer
			if err := l.Start(&w, netlog.Options{}); err != nil {
				t.Fatal(err)
			}
			if err := l.Stop(); err != nil {
				t.Fatal(err)
			}
			return w.Bytes()
		}())
	}
	close(stop)
	wg.Wait()
}
