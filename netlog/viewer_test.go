package netlog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

// A file is a log as a viewer sees it, with the numbers put back into words.
type file struct {
	Constants  map[string]any
	Events     []event
	PolledData map[string]any
}

type event struct {
	Type, Phase, SourceType string
	SourceID                int
	Time, SourceStart       int64
	Params                  map[string]any
}

// load reads a log as strictly as it can: what a viewer refuses or skips is an error.
func load(data []byte) (*file, error) {
	var raw struct {
		Constants  map[string]any
		Events     []map[string]any
		PolledData map[string]any
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	words := map[string]map[int]string{}
	for _, dict := range []string{"logEventTypes", "clientInfo", "logEventPhase", "logSourceType", "loadFlag", "netError", "addressFamily"} {
		m, ok := raw.Constants[dict].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("constants: %s is %T", dict, raw.Constants[dict])
		}
		words[dict] = map[int]string{}
		for name, n := range m {
			if n, ok := n.(float64); ok {
				words[dict][int(n)] = name
			}
		}
	}
	if v := raw.Constants["logFormatVersion"]; v != 1.0 {
		return nil, fmt.Errorf("constants: logFormatVersion %v", v)
	}
	if _, ok := raw.Constants["timeTickOffset"].(float64); !ok {
		return nil, fmt.Errorf("constants: timeTickOffset %v", raw.Constants["timeTickOffset"])
	}
	if raw.Events == nil {
		return nil, fmt.Errorf("no events")
	}
	f := &file{Constants: raw.Constants, PolledData: raw.PolledData}
	for i, e := range raw.Events {
		out, err := decodeEvent(e, words)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w: %v", i, err, e)
		}
		f.Events = append(f.Events, out)
	}
	return f, nil
}

func decodeEvent(e map[string]any, words map[string]map[int]string) (out event, err error) {
	word := func(dict string, v any) string {
		n, ok := v.(float64)
		w, known := words[dict][int(n)]
		if !ok || !known {
			err = fmt.Errorf("%v is not in %s", v, dict)
		}
		return w
	}
	millis := func(v any) int64 {
		s, ok := v.(string)
		n, perr := strconv.ParseInt(s, 10, 64)
		if !ok || perr != nil {
			err = fmt.Errorf("%v is not a time", v)
		}
		return n
	}
	source, _ := e["source"].(map[string]any)
	id, _ := source["id"].(float64)
	out = event{
		Type: word("logEventTypes", e["type"]), Phase: word("logEventPhase", e["phase"]),
		SourceType: word("logSourceType", source["type"]), SourceID: int(id), Time: millis(e["time"]),
	}
	if out.SourceStart = millis(source["start_time"]); out.SourceStart > out.Time {
		err = fmt.Errorf("source began at %d, after the event", out.SourceStart)
	}
	if id <= 0 || id != float64(int(id)) {
		err = fmt.Errorf("source id %v", source["id"])
	}
	if p, ok := e["params"]; ok {
		if out.Params, _ = p.(map[string]any); len(out.Params) == 0 {
			err = fmt.Errorf("params %v", p)
		}
	}
	return out, err
}

// repair does what a viewer does to a file that does not parse.
func repair(data []byte) []byte {
	if json.Valid(data) {
		return data
	}
	if i := bytes.LastIndex(data, []byte(",\n")); i >= 0 {
		data = data[:i]
	}
	return append(slices.Clip(data), "]}"...)
}

// record returns the file of what do logs.
func record(t testing.TB, o netlog.Options, do func(l *netlog.Log)) []byte {
	t.Helper()
	var (
		l netlog.Log
		w bytes.Buffer
	)
	if err := l.Start(&w, o); err != nil {
		t.Fatal(err)
	}
	do(&l)
	if err := l.Stop(); err != nil {
		t.Fatal(err)
	}
	return w.Bytes()
}

func mustLoad(t testing.TB, data []byte) *file {
	t.Helper()
	f, err := load(data)
	if err != nil {
		t.Fatalf("%v in %.2000s", err, data)
	}
	return f
}

// params records one event and returns its parameters as they are in the file.
func params(t testing.TB, m netlog.Mode, attrs ...netlog.Attr) map[string]any {
	t.Helper()
	f := mustLoad(t, record(t, netlog.Options{Mode: m}, func(l *netlog.Log) {
		l.Source(netlog.SourceNone).Event(netlog.Failed, attrs...)
	}))
	return f.Events[0].Params
}
