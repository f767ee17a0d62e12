package netlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

func TestAttrs(t *testing.T) {
	type cyclic struct{ Next *cyclic }
	cycle := &cyclic{}
	cycle.Next = cycle
	list := []any{nil}
	list[0] = list

	for _, tc := range []struct {
		name string
		attr netlog.Attr
		want string // the params; empty if there are none
	}{
		{"text", netlog.String("k", "a b"), `{"k":"a b"}`},
		{"quotes and controls", netlog.String("k", "\"\\\n\r\t\x00\x1f\x7f%"), `{"k":"\"\\\n\r\t\u0000\u001f\u007f%"}`},
		{"not ASCII", netlog.String("k", "50% für\n"), `{"k":"%ESCAPED:\u200b 50%25 f%C3%BCr\n"}`},
		{"not UTF-8", netlog.String("k", "\xff\xfe"), `{"k":"%ESCAPED:\u200b %FF%FE"}`},
		{"key not ASCII", netlog.String("ü", ""), `{"%ESCAPED:\u200b %C3%BC":""}`},
		{"int", netlog.Int("k", -7), `{"k":-7}`},
		{"largest number", netlog.Int("k", int64(1<<53-1)), `{"k":9007199254740991}`},
		{"beyond", netlog.Int("k", int64(1<<53)), `{"k":"9007199254740992"}`},
		{"smallest", netlog.Int("k", int64(math.MinInt64)), `{"k":"-9223372036854775808"}`},
		{"true", netlog.Bool("k", true), `{"k":true}`},
		{"false", netlog.Bool("k", false), `{"k":false}`},
		{"list", netlog.Strings("k", []string{"a", "ü"}), `{"k":["a","%ESCAPED:\u200b %C3%BC"]}`},
		{"empty list", netlog.Strings("k", nil), `{"k":[]}`},
		{"binary", netlog.Binary("k", []byte{0, 255}), `{"k":"AP8="}`},
		{"empty binary", netlog.Binary("k", nil), `{"k":""}`},
		{"traffic", netlog.Bytes([]byte("abc")), `{"byte_count":3}`},
		{"code", netlog.Err(neterr.NameNotResolved), `{"net_error":-105}`},
		{"wrapped code", netlog.Err(fmt.Errorf("x: %w", neterr.Aborted)), `{"net_error":-3}`},
		{"other error", netlog.Err(errors.New("x")), `{"net_error":-2}`},
		{"no error", netlog.Err(nil), ""},
		{"code of no error", netlog.Err(neterr.OK), ""},
		{"zero", netlog.Attr{}, ""},
		{"silent source", netlog.Dependency(netlog.Source{}), ""},
		{"secret", netlog.Secret("k", "abc"), `{"k":"[3 bytes were stripped]"}`},
		{"only in another mode", netlog.String("k", "v").Only(netlog.IncludeSensitive), ""},
		{
			"object",
			netlog.Object("k", map[string]any{"b": []string{"ü"}, "a": int64(1 << 60), "c": 0.5, "d": map[string]any{}, "e": uint64(math.MaxUint64)}),
			`{"k":{"a":"1152921504606846976","b":["%ESCAPED:\u200b %C3%BC"],"c":0.5,"d":{},"e":"18446744073709551615"}}`,
		},
		{"object of lists", netlog.Object("k", []map[string]any{{"a": []any{1, true, nil, uint64(2)}}, nil}), `{"k":[{"a":[1,true,null,2]},{}]}`},
		{"object of another type", netlog.Object("k", struct{ A map[string]string }{map[string]string{"b": "c"}}), `{"k":{"A":{"b":"c"}}}`},
		{"map of texts", netlog.Object("k", map[string]string{"a": "b"}), `{"k":{"a":"b"}}`},
		{"null", netlog.Object("k", nil), `{"k":null}`},
		{"not JSON", netlog.Object("k", math.NaN()), `{"k":"json: unsupported value: NaN"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var want map[string]any
			if tc.want != "" {
				if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
					t.Fatal(err)
				}
			}
			if got := params(t, netlog.Default, tc.attr); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	for name, v := range map[string]any{"struct": cycle, "list": list} {
		if got := params(t, netlog.Default, netlog.Object("k", v)); got["k"] == nil {
			t.Errorf("cyclic %s: got %v", name, got)
		}
	}
}

func TestModes(t *testing.T) {
	attrs := []netlog.Attr{
		netlog.Bytes([]byte("abc")),
		netlog.Secret("secret", "für"),
		netlog.URL("url", "https://u:p@a.test/"),
		netlog.String("name", "n").Only(netlog.IncludeSensitive),
		netlog.String("raw", "r").Only(netlog.Everything),
		netlog.Headers("HTTP/1.1 200 OK", "", fields("Set-Cookie", "a=b", "Server", "x")),
	}
	for _, tc := range []struct {
		mode netlog.Mode
		want string
	}{
		{netlog.Default, `{"byte_count":3,"secret":"[4 bytes were stripped]","url":"https://a.test/ (credentials redacted)",
			"headers":["HTTP/1.1 200 OK","Set-Cookie: [3 bytes were stripped]","Server: x"]}`},
		{netlog.IncludeSensitive, `{"byte_count":3,"secret":"%ESCAPED:\u200b f%C3%BCr","url":"https://u:p@a.test/","name":"n",
			"headers":["HTTP/1.1 200 OK","Set-Cookie: a=b","Server: x"]}`},
		{netlog.Everything, `{"byte_count":3,"bytes":"YWJj","secret":"%ESCAPED:\u200b f%C3%BCr","url":"https://u:p@a.test/","name":"n","raw":"r",
			"headers":["HTTP/1.1 200 OK","Set-Cookie: a=b","Server: x"]}`},
	} {
		t.Run(tc.mode.String(), func(t *testing.T) {
			var want map[string]any
			if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
				t.Fatal(err)
			}
			if got := params(t, tc.mode, attrs...); !reflect.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestParseMode(t *testing.T) {
	for _, tc := range []struct {
		name string
		want netlog.Mode
		err  error
	}{
		{"", netlog.Default, nil},
		{"default", netlog.Default, nil},
		{"includeSensitive", netlog.IncludeSensitive, nil},
		{"everything", netlog.Everything, nil},
		{"Everything", 0, netlog.ErrMode},
		{"heavilyRedacted", 0, netlog.ErrMode},
	} {
		if got, err := netlog.ParseMode(tc.name); got != tc.want || err != tc.err {
			t.Errorf("ParseMode(%q) = %v, %v, want %v, %v", tc.name, got, err, tc.want, tc.err)
		}
	}
}
