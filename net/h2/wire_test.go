package h2_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
)

// A capture is what Chromium sent: see testdata/README.md.
type capture struct {
	Settings               []struct{ ID, Value uint32 }
	ConnectionWindowUpdate uint32            `json:"connection_window_update"`
	FirstFrames            []string          `json:"first_frames"`
	Requests               map[string]sample `json:"requests"`
}

type sample struct {
	Method, Path   string
	PseudoOrder    []string `json:"pseudo_order"`
	Headers        [][2]string
	Priority       string `json:"h2_priority"`
	EndStream      bool   `json:"end_stream"`
	Representation []string
	Note           string
}

func readCapture(t *testing.T) *capture {
	b, err := os.ReadFile("testdata/chromium-156-h2.json")
	if err != nil {
		t.Fatal(err)
	}
	c := new(capture)
	if err := json.Unmarshal(b, c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPreface compares what opens the connection with the capture, byte by byte: one
// write, so that it is one TLS record.
func TestPreface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := readCapture(t)
		w := []byte(http2.ClientPreface)
		w = append(w, 0, 0, byte(6*len(want.Settings)), 4, 0, 0, 0, 0, 0)
		for _, s := range want.Settings {
			w = append(w, 0, byte(s.ID), byte(s.Value>>24), byte(s.Value>>16), byte(s.Value>>8), byte(s.Value))
		}
		n := want.ConnectionWindowUpdate
		w = append(w, 0, 0, 4, 8, 0, 0, 0, 0, 0, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
		p := newPeer(t, h2.Config{})
		if got := p.wantPreface(); !reflect.DeepEqual(got, w) {
			t.Errorf("got  %x\nwant %x", got, w)
		}
		if w := "SETTINGS[stream=0 flags=0x00 len=24]"; want.FirstFrames[0] != w {
			t.Errorf("the capture begins with %s", want.FirstFrames[0])
		}
	})
}

// request makes of a captured request what the layers above would hand down.
func (s *sample) request(host string) *exchange.Request {
	req := request(s.Method, "https://"+host+s.Path, nil, 0)
	if s.Method == "CONNECT" && s.Note == "" {
		req = request(s.Method, "https://"+host+"/", nil, 0)
		req.Host = host + ":443"
	}
	req.Protocol = strings.TrimPrefix(s.Note, "protocol=")
	var cookies []string
	for _, f := range s.Headers {
		switch name, value := f[0], f[1]; name {
		case "content-length":
			if value != "0" {
				body := strings.Repeat("x", int(value[0]-'0')) // one digit, or the body's first
				if value == "11" {
					body = "hello world"
				}
				req = request(s.Method, "https://"+host+s.Path, strings.NewReader(body), int64(len(body)))
			}
		case "cookie":
			cookies = append(cookies, value)
		case "priority":
		default:
			req.Header.Add(canonical(name), value)
		}
	}
	if cookies != nil {
		req.Header.Add("Cookie", strings.Join(cookies, "; "))
	}
	var weight, dep int
	fmt.Sscanf(s.Priority, "dep=%d weight=%d", &dep, &weight)
	req.Priority = map[int]exchange.Priority{256: exchange.Highest, 220: exchange.Medium, 183: exchange.Low, 147: exchange.Lowest, 110: exchange.Idle}[weight]
	return req
}

// canonical gives a name the case it has over HTTP/1.1, which must not matter here.
func canonical(name string) string {
	if strings.HasPrefix(name, "sec-ch-ua") {
		return name
	}
	parts := strings.Split(name, "-")
	for i, p := range parts {
		parts[i] = strings.ToUpper(p[:1]) + p[1:]
	}
	return strings.Join(parts, "-")
}

// TestHeaders compares the requests' HEADERS with the capture: order of fields, their
// HPACK representations, priority.
func TestHeaders(t *testing.T) {
	want := readCapture(t)
	tests := []struct {
		host  string
		names []string // sent one after the other on one connection
	}{
		{"probe.test", []string{"nav", "fetch-get.json", "fetch-post.json", "fetch-post-empty.json", "fetch-low.json", "beacon"}},
		{"ck.probe.test", []string{"cookie", "cookie-fetch.json", "cookie-nav"}},
		{"ws2.probe.test", []string{"ws2"}},
		{"probe.test", []string{"connect"}},
	}
	for _, tt := range tests {
		t.Run(tt.names[0], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, h2.Config{})
				p.wantPreface()
				p.greet(http2.Setting{ID: http2.SettingEnableConnectProtocol, Val: 1})
				p.took()
				for i, name := range tt.names {
					s := want.Requests[name]
					id := uint32(2*i + 1)
					k := p.start(s.request(tt.host))
					p.compare(name, id, &s)
					if !s.EndStream && s.Method == "POST" {
						p.want("DATA")
					}
					p.headers(id, true, ":status", "200")
					k.response().Body.Close()
					if !s.EndStream && s.Method == "CONNECT" {
						p.wantReset(id, http2.ErrCodeCancel)
					}
					p.took()
				}
			})
		})
	}
}

func (p *peer) compare(name string, id uint32, s *sample) {
	t := p.t
	t.Helper()
	got := p.wantHeaders(id, s.EndStream)
	raw := p.took()
	var list []string
	for _, pseudo := range s.PseudoOrder {
		value := map[string]string{":method": s.Method, ":scheme": "https", ":path": s.Path, ":protocol": strings.TrimPrefix(s.Note, "protocol=")}[pseudo]
		if pseudo == ":authority" {
			at := slices.IndexFunc(got, func(f string) bool { return strings.HasPrefix(f, ":authority: ") })
			value = strings.TrimPrefix(got[max(at, 0)], ":authority: ")
		}
		list = append(list, pseudo+": "+value)
	}
	for _, f := range s.Headers {
		list = append(list, f[0]+": "+f[1])
	}
	if !slices.Equal(got, list) {
		t.Errorf("%s:\ngot  %q\nwant %q", name, got, list)
	}
	if flags := raw[4]; flags&^1 != 0x24 {
		t.Errorf("%s: flags %#x", name, flags)
	}
	weight := fmt.Sprintf("dep=%d weight=%d exclusive=%v", uint32(raw[10])<<16|uint32(raw[11])<<8|uint32(raw[12]), int(raw[13])+1, raw[9]>>7 == 1)
	if weight != s.Priority {
		t.Errorf("%s: priority %s, want %s", name, weight, s.Priority)
	}
	if s.Representation != nil {
		if got := represent(raw[14:], list); !slices.Equal(got, s.Representation) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, s.Representation)
		}
	}
}

// represent says of each field of a block how it is coded.
func represent(b []byte, fields []string) (list []string) {
	number := func(prefix uint) int {
		limit := 1<<prefix - 1
		v := int(b[0]) & limit
		b = b[1:]
		if v == limit {
			for shift := 0; ; shift += 7 {
				c := b[0]
				b = b[1:]
				v += int(c&0x7f) << shift
				if c < 0x80 {
					break
				}
			}
		}
		return v
	}
	text := func() string {
		kind := []string{"plain", "huffman"}[b[0]>>7]
		n := number(7)
		b = b[n:]
		return kind
	}
	table := func(i int) string {
		switch {
		case i == 0:
			return "literal"
		case i <= 61:
			return "static"
		}
		return "dynamic"
	}
	for _, f := range fields {
		at := strings.Index(f[1:], ": ") + 1
		how := ""
		switch {
		case b[0]&0x80 != 0:
			how = "indexed-" + table(number(7))
		default:
			how = "literal"
			prefix := uint(4)
			if b[0]&0xc0 == 0x40 {
				how, prefix = "literal-indexed", 6
			}
			index := number(prefix)
			if index == 0 {
				text()
			}
			how += " name=" + table(index) + " value=" + text()
		}
		list = append(list, f[:at]+": "+how)
	}
	return list
}

// TestDependencies: a stream depends on the newest open one of its own urgency, else on
// the newest of the next urgency above that has one.
func TestDependencies(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		open := func(id uint32, priority exchange.Priority, dep uint32, weight uint8) *call {
			t.Helper()
			req := request("GET", "https://a.test/", nil, 0)
			req.Priority = priority
			k := p.start(req)
			f := p.want("HEADERS").(*http2.HeadersFrame)
			if want := (http2.PriorityParam{StreamDep: dep, Exclusive: true, Weight: weight}); f.StreamID != id || f.Priority != want {
				t.Errorf("stream %d: %+v, want stream %d %+v", f.StreamID, f.Priority, id, want)
			}
			p.dec.DecodeFull(f.HeaderBlockFragment())
			return k
		}
		open(1, exchange.Lowest, 0, 146)
		a := open(3, exchange.Highest, 0, 255)
		b := open(5, exchange.Medium, 3, 219)
		open(7, exchange.Lowest, 1, 146)
		open(9, exchange.Medium, 5, 219)
		p.headers(5, true, ":status", "204")
		b.wantBody("")
		open(11, exchange.Low, 9, 182)
		a.cancel()
		p.wantReset(3, http2.ErrCodeCancel)
		open(13, exchange.Throttled, 7, 73)
		open(15, exchange.Highest, 0, 255)
	})
}

// TestFields: what never goes over HTTP/2, and what is spelled differently there.
func TestFields(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		req := request("GET", "https://EXAMPLE.test:443/a%20b?q", nil, 0)
		req.Header = exchange.FieldsOf("X-A", "1", "Connection", "close", "Proxy-Connection", "x", "Transfer-Encoding", "chunked",
			"Host", "evil.test", "Upgrade", "x", "Keep-Alive", "1", ":path", "/evil", "TE", "gzip", "Te", "trailers", "Content-Length", "9",
			"Cookie", "a=1;b=2; c=3", "Priority", "u=7", "x-a", "2", "Cookie", "d=4")
		p.start(req)
		want := []string{
			":method: GET", ":authority: example.test", ":scheme: https", ":path: /a%20b?q",
			"x-a: 1", "te: trailers", "cookie: a=1", "cookie: b=2", "cookie: c=3", "priority: u=7", "x-a: 2", "cookie: d=4",
		}
		if got := p.wantHeaders(1, true); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
		// A long block goes in pieces that any peer takes.
		req = request("OPTIONS", "http://[::1]:8080/*", nil, 0)
		req.Header = exchange.FieldsOf("X-Long", strings.Repeat("~", 40<<10))
		p.start(req)
		got := p.wantHeaders(3, true)
		if got[1] != ":authority: [::1]:8080" || len(got[4]) != len("x-long: ")+40<<10 {
			t.Errorf("got %.300q", got)
		}
	})
}

// TestTableSize: the encoder keeps to the table that the peer allows.
func TestTableSize(t *testing.T) {
	for _, size := range []uint32{0, 60, 200, 4096, 16384, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, h2.Config{})
				p.wantPreface()
				p.start(request("GET", "https://a.test/", nil, 0))
				p.wantHeaders(1, true)
				p.greet(http2.Setting{ID: http2.SettingHeaderTableSize, Val: size})
				p.dec.SetAllowedMaxDynamicTableSize(size)
				for i := range 200 {
					req := request("GET", fmt.Sprintf("https://a.test/%d", i), nil, 0)
					req.Header = exchange.FieldsOf(browser...)
					req.Header.Add("X-Same", "same")
					req.Header.Add("X-Seq", fmt.Sprint("value ", i/3))
					req.Header.Add("X-Large", strings.Repeat("x", i*30%1000))
					k := p.start(req)
					id := uint32(2*i + 3)
					got := p.wantHeaders(id, true)
					if got[3] != fmt.Sprint(":path: /", i) || !slices.Contains(got, fmt.Sprint("x-seq: value ", i/3)) || !slices.Contains(got, "x-same: same") {
						t.Fatalf("request %d: %q", i, got)
					}
					p.headers(id, true, ":status", "204")
					k.wantBody("")
				}
			})
		})
	}
}
