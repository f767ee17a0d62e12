package netlog_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

// Whatever the size, a bounded file is whole and has the newest events without a gap,
// also when they come faster than they are written.
func TestMaxSize(t *testing.T) {
	const size, eventSize = 20_000, 180
	for _, tc := range []struct {
		name   string
		max    int64
		events int
		all    bool
	}{
		{"none", size, 0, true},
		{"one", size, 1, true},
		{"fits", size, 50, true},
		{"one part more", size, 160, false},
		{"many rounds", size, 2000, false},
		{"tiny", 1, 100, false},
		{"unlimited", -1, 300, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := func(l *netlog.Log) {
				src := l.Source(netlog.SourceSocket)
				for i := range tc.events {
					src.Event(netlog.SocketAlive, netlog.Int("n", i), netlog.String("text", strings.Repeat("x", 50)))
				}
			}
			o := netlog.Options{MaxSize: tc.max, PolledData: func() map[string]any { return map[string]any{"a": 1} }}
			check := func(data []byte) {
				t.Helper()
				f := mustLoad(t, data)
				if f.PolledData == nil {
					t.Error("no polled data")
				}
				if tc.all && len(f.Events) != tc.events {
					t.Errorf("got %d events, want all %d", len(f.Events), tc.events)
				}
				if !tc.all {
					events := int64(len(data) - bytes.Index(data, []byte(`"events": [`)))
					if most := tc.max + 10*eventSize + 100; events > most {
						t.Errorf("got %d bytes of events, want at most %d", events, most)
					}
					if least := tc.max * 8 / 10; events < least {
						t.Errorf("got %d bytes of events, want at least %d", events, least)
					}
				}
				for i, e := range f.Events {
					if want := float64(tc.events - len(f.Events) + i); e.Params["n"] != want {
						t.Fatalf("event %d is number %v, want %v", i, e.Params["n"], want)
					}
				}
			}
			check(record(t, o, log))

			path := filepath.Join(t.TempDir(), "log.json")
			if err := os.WriteFile(path, bytes.Repeat([]byte("old"), 100_000), 0o600); err != nil {
				t.Fatal(err)
			}
			var l netlog.Log
			if err := l.StartFile(path, o); err != nil {
				t.Fatal(err)
			}
			log(&l)
			if err := l.Stop(); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			check(data)
			if _, err := os.Stat(path + ".inprogress"); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the parts are still there: %v", err)
			}
		})
	}
}

// A killed process leaves parts that can be joined by hand, and the next recording of
// the same name starts afresh.
func TestPartsLeftBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.json")
	dir := path + ".inprogress"
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	stale, foreign := filepath.Join(dir, "event_file_7.json"), filepath.Join(dir, "mine.txt")
	for _, name := range []string{stale, foreign} {
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var l netlog.Log
	if err := l.StartFile(path, netlog.Options{MaxSize: 1000}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the stale part is still there: %v", err)
	}
	head, err := os.ReadFile(filepath.Join(dir, "constants.json"))
	if err != nil {
		t.Fatal(err)
	}
	notice, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(notice), "log.json.inprogress") {
		t.Errorf("the file says %q, %v, want where the parts are", notice, err)
	}
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, data)
	if !bytes.HasPrefix(data, head) {
		t.Error("constants.json is not the file's beginning")
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("somebody else's file: %v", err)
	}
}
