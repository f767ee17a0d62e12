package netlog_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

// A file cut off at any byte opens in a viewer with every event but the newest, from
// the second one on.
func TestCutAnywhere(t *testing.T) {
	const events = 4
	data := record(t, netlog.Options{
		PolledData: func() map[string]any { return map[string]any{"a": []any{1, "b,\n"}, "c": true} },
	}, func(l *netlog.Log) {
		for i := range events {
			l.Source(netlog.SourceSocket).Event(netlog.SocketAlive, netlog.Int("n", i), netlog.String("text", "],\n}"))
		}
	})
	mustLoad(t, data)
	head := bytes.Index(data, []byte(`"events": [`))
	data = append([]byte(`{"constants":{},`+"\n"), data[head:]...) // short, as it is read so often
	head = bytes.Index(data, []byte(`"events": [`))
	second := head + bytes.Index(data[head:], []byte(`"n":1`))
	last := 0
	for n := second; n <= len(data); n++ {
		var f struct{ Events []map[string]any }
		if err := json.Unmarshal(repair(data[:n]), &f); err != nil {
			t.Fatalf("cut at byte %d of %d, after %q: %v", n, len(data), data[n-20:n], err)
		}
		if len(f.Events) < last {
			t.Fatalf("cut at byte %d: %d events, fewer than in a shorter file", n, len(f.Events))
		}
		last = len(f.Events)
		if begun := bytes.Count(data[head:n], []byte(`"n":`)); last < begun-1 {
			t.Fatalf("cut at byte %d: %d events of %d", n, last, begun)
		}
	}
	if last != events {
		t.Errorf("the whole file has %d events, want %d", last, events)
	}
}

// TestKilled kills a process that logs without end.
func TestKilled(t *testing.T) {
	const enough = 200 << 10
	if path := os.Getenv("KAON_NETLOG_CRASH"); path != "" {
		logForever(path, enough)
	}
	path := filepath.Join(t.TempDir(), "log.json")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "KAON_NETLOG_CRASH="+path)
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
	if _, err := load(data); err == nil {
		t.Fatal("the file has an end")
	}
	f := mustLoad(t, repair(data))
	if len(data) < enough || len(f.Events) < enough/200 {
		t.Fatalf("got %d events in %d bytes", len(f.Events), len(data))
	}
}

// logForever says so on the standard output when the file has the given size.
func logForever(path string, size int64) {
	var l netlog.Log
	if err := l.StartFile(path, netlog.Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	src := l.Source(netlog.SourceSocket)
	for said, i := false, 0; ; i++ {
		src.Event(netlog.SocketAlive, netlog.Int("n", i), netlog.String("text", "some text to write"))
		if said || i%100 != 0 {
			continue
		}
		if fi, err := os.Stat(path); err == nil && fi.Size() >= size {
			said = true
			fmt.Println("enough")
		}
	}
}
