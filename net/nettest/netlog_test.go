package nettest_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestReadNetLog(t *testing.T) {
	got := nettest.ReadNetLog(t, []byte(`{"constants":{"logEventTypes":{"SOCKET_ALIVE":3,"FAILED":0},"logSourceType":{"SOCKET":7}},
"events": [
{"time":"1","source":{"id":5,"type":7,"start_time":"1"},"type":3,"phase":1},
{"time":"2","source":{"id":5,"type":7,"start_time":"1"},"type":0,"phase":0,"params":{"net_error":-101}},
{"time":"3","source":{"id":5,"type":7,"start_time":"1"},"type":3,"phase":2}]}`))
	want := []nettest.NetLogEvent{
		{SourceID: 5, Source: "SOCKET", Name: "SOCKET_ALIVE", Phase: "+"},
		{SourceID: 5, Source: "SOCKET", Name: "FAILED", Params: map[string]any{"net_error": json.Number("-101")}},
		{SourceID: 5, Source: "SOCKET", Name: "SOCKET_ALIVE", Phase: "-"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got, want := got[0].String(), "+SOCKET_ALIVE"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
