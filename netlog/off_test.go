package netlog_test

import (
	"errors"
	"io"
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

// An Attr for each constructor that is used without asking Source.On.
func logOne(src netlog.Source, url string, n int, names []string, data []byte, err error) {
	src.Begin(netlog.RequestAlive, netlog.String("method", "GET"), netlog.URL("url", url), netlog.Bool("ok", n > 3), netlog.Int("n", n))
	src.Event(netlog.SocketBytesSent, netlog.Bytes(data), netlog.Binary("hash", data), netlog.Strings("names", names), netlog.Dependency(src))
	src.End(netlog.SocketAlive, netlog.Err(err), netlog.Secret("debug", url).Only(netlog.IncludeSensitive))
	src.EndErr(netlog.RequestAlive, err, netlog.Int("n", n))
}

func TestSilentIsFree(t *testing.T) {
	var l netlog.Log
	names, data, err := []string{"a", "b"}, []byte("abc"), errors.New("x")
	for name, src := range map[string]netlog.Source{
		"zero": {}, "silent": l.Source(netlog.SourceSocket), "lasting": l.Lasting(netlog.SourceSocket),
	} {
		if got := testing.AllocsPerRun(100, func() { logOne(src, "https://u:p@a.test/", len(names), names, data, err) }); got != 0 {
			t.Errorf("%s: got %v allocations, want 0", name, got)
		}
	}
	if got := testing.AllocsPerRun(100, func() { l.Source(netlog.SourceURLRequest).New(netlog.SourceSocket).Event(netlog.SocketAlive) }); got != 0 {
		t.Errorf("making sources: got %v allocations, want 0", got)
	}
}

func BenchmarkEvents(b *testing.B) {
	names, data := []string{"a", "b"}, []byte("abc")
	b.Run("off", func(b *testing.B) {
		var l netlog.Log
		src := l.Lasting(netlog.SourceSocket)
		b.ReportAllocs()
		for b.Loop() {
			logOne(src, "https://u:p@a.test/", 7, names, data, nil)
		}
	})
	b.Run("on", func(b *testing.B) {
		var l netlog.Log
		if err := l.Start(io.Discard, netlog.Options{}); err != nil {
			b.Fatal(err)
		}
		defer l.Stop()
		src := l.Source(netlog.SourceSocket)
		b.ReportAllocs()
		for b.Loop() {
			logOne(src, "https://u:p@a.test/", 7, names, data, nil)
		}
	})
}
