package fetch_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// record runs f while a log records, and returns what was logged: one line an event.
func record(t *testing.T, f func(*netlog.Log)) string {
	t.Helper()
	var log netlog.Log
	var file bytes.Buffer
	if err := log.Start(&file, netlog.Options{}); err != nil {
		t.Fatal(err)
	}
	f(&log)
	if err := log.Stop(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range nettest.ReadNetLog(t, file.Bytes()) {
		var line strings.Builder
		line.WriteString(e.String())
		for _, key := range []string{"priority", "url", "method", "load_flags", "location", "byte_count", "net_error"} {
			if v, ok := e.Params[key]; ok {
				fmt.Fprintf(&line, " %s=%v", key, v)
			}
		}
		lines = append(lines, line.String())
	}
	return strings.Join(lines, "\n")
}

func TestLogFetch(t *testing.T) {
	got := record(t, func(log *netlog.Log) {
		s := &server{answer: func(hop int, _ *exchange.Request) *exchange.Response {
			if hop == 0 {
				return &exchange.Response{Status: 302, Header: exchange.Fields{{Name: "Location", Value: "//u:secret@a.test/b|c"}}}
			}
			return &exchange.Response{Status: 200, Body: io.NopCloser(strings.NewReader("hello"))}
		}}
		f := fetch.New(fetch.Config{Next: s, Log: log})
		resp, err := f.Fetch(t.Context(), "https://a.test/#top", &fetch.Init{Cache: fetch.CacheReload})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resp.Bytes(); err != nil {
			t.Fatal(err)
		}
	})
	want := strings.Join([]string{
		"+REQUEST_ALIVE priority=LOWEST url=https://a.test/",
		"+URL_REQUEST_START_JOB url=https://a.test/ method=GET load_flags=2",
		"-URL_REQUEST_START_JOB",
		"URL_REQUEST_REDIRECTED location=//a.test/b|c",
		"+URL_REQUEST_START_JOB url=https://a.test/b|c method=GET load_flags=2",
		"-URL_REQUEST_START_JOB",
		"URL_REQUEST_JOB_FILTERED_BYTES_READ byte_count=5",
		"-REQUEST_ALIVE",
	}, "\n")
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLogEnds(t *testing.T) {
	fault := &neterr.Error{Code: neterr.ConnectionReset}
	for _, tt := range []struct {
		name string
		use  func(io.ReadCloser)
		want string
	}{
		{"closed early", func(b io.ReadCloser) { b.Close(); b.Close() }, "-REQUEST_ALIVE net_error=-3"},
		{"read to a fault", func(b io.ReadCloser) { io.ReadAll(b); b.Close() }, "-REQUEST_ALIVE net_error=-101"},
	} {
		got := record(t, func(log *netlog.Log) {
			s := &server{answer: func(int, *exchange.Request) *exchange.Response {
				return &exchange.Response{Status: 200, Body: io.NopCloser(errReader{fault})}
			}}
			resp, err := fetch.New(fetch.Config{Next: s, Log: log}).RoundTrip(t.Context(), &exchange.Request{URL: mustParse("https://a.test/")})
			if err != nil {
				t.Fatal(err)
			}
			tt.use(resp.Body)
		})
		want := strings.Join([]string{
			"+REQUEST_ALIVE priority=LOWEST url=https://a.test/",
			"+URL_REQUEST_START_JOB url=https://a.test/ method=GET load_flags=0",
			"-URL_REQUEST_START_JOB",
			tt.want,
		}, "\n")
		if got != want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, want)
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestLogFailure(t *testing.T) {
	got := record(t, func(log *netlog.Log) {
		s := &server{answer: redirectTo("302 file:///x")}
		if _, err := fetch.New(fetch.Config{Next: s, Log: log}).Fetch(t.Context(), "https://a.test/", nil); !errors.Is(err, neterr.UnsafeRedirect) {
			t.Errorf("got %v", err)
		}
	})
	if want := "-REQUEST_ALIVE net_error=-311"; !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant it to end with %s", got, want)
	}
}
