package fuzz_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/netlog"
)

// FuzzNetLogString: any text makes valid JSON, one event a line, and can be read back
// byte by byte; and no cookie is in a file of mode Default.
func FuzzNetLogString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\\n\x00\x7f", "100% für", "\xff\xfe%41", "%ESCAPED:\u200b ", "],\n}", "http://u:p@h/"} {
		f.Add("key", s)
		f.Add(s, "value")
	}
	f.Fuzz(func(t *testing.T, key, s string) {
		var (
			log  netlog.Log
			file bytes.Buffer
		)
		if err := log.Start(&file, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		src := log.Source(netlog.SourceNone)
		src.Event(netlog.Failed, netlog.String("text", s), netlog.Binary("binary", []byte(s)), netlog.Object("object", []any{s}))
		src.Event(netlog.Failed, netlog.String(key, s), netlog.URL("url", s), netlog.Strings("list", []string{s, key}))
		src.Event(netlog.Failed, netlog.Headers("", s, func(yield func(name, value string) bool) {
			_ = yield(key, s) && yield("Cookie", s) && yield("WWW-Authenticate", s)
		}))
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}

		var read struct {
			Events []struct{ Params map[string]any }
		}
		if err := json.Unmarshal(file.Bytes(), &read); err != nil {
			t.Fatalf("%v in %s", err, file.Bytes())
		}
		if got := bytes.Count(file.Bytes(), []byte("\n")); got != 5 {
			t.Errorf("got %d lines, want 2 of head and 3 events", got)
		}
		p := read.Events[0].Params
		for name, v := range map[string]any{"text": p["text"], "object": p["object"].([]any)[0]} {
			if got := unescape(t, v.(string)); got != s {
				t.Errorf("%s: got %q, want %q", name, got, s)
			}
		}
		if got, err := base64.StdEncoding.DecodeString(p["binary"].(string)); err != nil || string(got) != s {
			t.Errorf("binary: got %q, %v, want %q", got, err, s)
		}
		cookie := read.Events[2].Params["headers"].([]any)[1].(string)
		if s != "" && !strings.HasSuffix(cookie, " bytes were stripped]") {
			t.Errorf("cookie: got %q", cookie)
		}
	})
}

// unescape undoes the rule for text that is not ASCII.
func unescape(t *testing.T, s string) string {
	escaped, ok := strings.CutPrefix(s, "%ESCAPED:\u200b ")
	if !ok {
		return s
	}
	s, err := url.PathUnescape(escaped)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
