package nettest

import (
	"bytes"
	"encoding/json"
	"testing"
)

// A NetLogEvent is one event of a recording, its numbers translated by the file's own
// constants.
type NetLogEvent struct {
	SourceID     int
	Source, Name string         // Chromium's, as "URL_REQUEST" and "REQUEST_ALIVE"
	Phase        string         // "+" begins, "-" ends, "" is a moment
	Params       map[string]any // numbers are json.Number; nil if there are none
}

// String is the phase and the name, as "+REQUEST_ALIVE".
func (e NetLogEvent) String() string { return e.Phase + e.Name }

// ReadNetLog returns the events of a file that a NetLog wrote, in their order. It fails
// the test if the file is not whole or names a kind that its constants do not.
func ReadNetLog(t testing.TB, file []byte) []NetLogEvent {
	t.Helper()
	var read struct {
		Constants struct {
			EventTypes  map[string]int `json:"logEventTypes"`
			SourceTypes map[string]int `json:"logSourceType"`
		}
		Events []struct {
			Type, Phase int
			Source      struct{ ID, Type int }
			Params      map[string]any
		}
	}
	d := json.NewDecoder(bytes.NewReader(file))
	d.UseNumber()
	if err := d.Decode(&read); err != nil {
		t.Fatalf("net log: %v\n%s", err, file)
	}
	names, sources := byNumber(read.Constants.EventTypes), byNumber(read.Constants.SourceTypes)
	phases := [...]string{"", "+", "-"}
	events := make([]NetLogEvent, len(read.Events))
	for i, e := range read.Events {
		name, source := names[e.Type], sources[e.Source.Type]
		if name == "" || source == "" || e.Phase < 0 || e.Phase >= len(phases) {
			t.Fatalf("net log: event %d is of no kind that the constants name: %+v", i, e)
		}
		events[i] = NetLogEvent{e.Source.ID, source, name, phases[e.Phase], e.Params}
	}
	return events
}

func byNumber(constants map[string]int) map[int]string {
	names := make(map[int]string, len(constants))
	for name, n := range constants {
		names[n] = name
	}
	return names
}
