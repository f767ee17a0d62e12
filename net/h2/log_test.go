package h2_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h2"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestNetLog has the events that Chromium writes, in its order and with its parameters:
// + begins a span, - ends one.
func TestNetLog(t *testing.T) {
	var file bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		var log netlog.Log
		if err := log.Start(&file, netlog.Options{}); err != nil {
			t.Fatal(err)
		}
		socket := log.Lasting(netlog.SourceSocket)
		socket.Begin(netlog.SocketAlive)
		client, server := nettest.Pipe(-1)
		p := newPeerOn(t, h2.Config{NetLog: socket, Host: "a.test:443"}, client, server)
		p.wantPreface()
		p.fr.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 50}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
		p.fr.WriteSettingsAck()
		p.want("SETTINGS")
		req := request("POST", "https://a.test/", strings.NewReader("hello, world"), 12)
		req.NetLog = log.Source(netlog.SourceURLRequest)
		req.Header = exchange.FieldsOf("Authorization", "Basic secret", "Accept", "*/*")
		k := p.start(req)
		p.wantHeaders(1, false)
		p.wantData(1, 10, false)
		synctest.Wait()
		p.fr.WriteWindowUpdate(1, 10)
		p.wantData(1, 2, true)
		synctest.Wait()
		p.headers(1, false, ":status", "200", "set-cookie", "secret")
		p.data(1, true, "hi")
		k.wantBody("hi")
		p.fr.WritePing(false, [8]byte{7: 5})
		p.want("PING")
		req = request("GET", "https://a.test/", nil, 0)
		k = p.start(req)
		p.wantHeaders(3, true)
		k.cancel()
		p.wantReset(3, http2.ErrCodeCancel)
		<-k.done
		p.get(5)
		p.fr.WriteRSTStream(5, http2.ErrCodeInternal)
		p.fr.WriteGoAway(5, http2.ErrCodeNo, nil)
		p.wantEnd()
		synctest.Wait()
		if err := log.Stop(); err != nil {
			t.Fatal(err)
		}
	})
	if bytes.Contains(file.Bytes(), []byte("secret")) {
		t.Error("a secret is in the log")
	}
	got := events(t, file.Bytes())
	for source, want := range map[string]string{
		"SOCKET": `+SOCKET_ALIVE
SOCKET_CLOSED
-SOCKET_ALIVE`,
		"HTTP2_SESSION": `+HTTP2_SESSION host=a.test:443 proxy=[direct://]
HTTP2_SESSION_INITIALIZED protocol=h2
HTTP2_SESSION_SEND_SETTINGS settings=[[id:1 (SETTINGS_HEADER_TABLE_SIZE) value:65536] [id:2 (SETTINGS_ENABLE_PUSH) value:0] [id:4 (SETTINGS_INITIAL_WINDOW_SIZE) value:6291456] [id:6 (SETTINGS_MAX_HEADER_LIST_SIZE) value:262144]]
HTTP2_SESSION_UPDATE_RECV_WINDOW delta=15663105 window_size=15728640
HTTP2_SESSION_SEND_WINDOW_UPDATE delta=15663105 stream_id=0
HTTP2_SESSION_RECV_SETTINGS
HTTP2_SESSION_SEND_SETTINGS_ACK
HTTP2_SESSION_RECV_SETTING id=3 (SETTINGS_MAX_CONCURRENT_STREAMS) value=50
HTTP2_SESSION_RECV_SETTING id=4 (SETTINGS_INITIAL_WINDOW_SIZE) value=10
HTTP2_SESSION_RECV_SETTINGS_ACK
HTTP2_SESSION_SEND_HEADERS exclusive=true fin=false has_priority=true headers=[:method: POST :authority: a.test :scheme: https :path: / content-length: 12 authorization: [12 bytes were stripped] accept: */* priority: i] parent_stream_id=0 stream_id=1 weight=147
HTTP2_SESSION_SEND_DATA fin=false size=10 stream_id=1
HTTP2_SESSION_STREAM_STALLED_BY_STREAM_SEND_WINDOW stream_id=1
HTTP2_SESSION_RECV_WINDOW_UPDATE delta=10 stream_id=1
HTTP2_SESSION_SEND_DATA fin=true size=2 stream_id=1
HTTP2_SESSION_RECV_HEADERS fin=false headers=[:status: 200 set-cookie: [6 bytes were stripped]] stream_id=1
HTTP2_SESSION_RECV_DATA fin=true size=2 stream_id=1
HTTP2_SESSION_PING is_ack=false type=received unique_id=5
HTTP2_SESSION_SEND_HEADERS exclusive=true fin=true has_priority=true headers=[:method: GET :authority: a.test :scheme: https :path: / priority: i] parent_stream_id=0 stream_id=3 weight=147
HTTP2_SESSION_SEND_RST_STREAM description=net::ERR_ABORTED: context canceled error_code=8 (CANCEL) stream_id=3
HTTP2_SESSION_SEND_HEADERS exclusive=true fin=true has_priority=true headers=[:method: GET :authority: a.test :scheme: https :path: / priority: i] parent_stream_id=0 stream_id=5 weight=147
HTTP2_SESSION_RECV_RST_STREAM error_code=2 (INTERNAL_ERROR) stream_id=5
HTTP2_SESSION_RECV_GOAWAY debug_data=[0 bytes were stripped] error_code=0 (NO_ERROR) last_accepted_stream_id=5
HTTP2_SESSION_CLOSE description=net::ERR_HTTP2_SERVER_REFUSED_STREAM: http/2 127.0.0.1:80: peer sent NO_ERROR net_error=-351
-HTTP2_SESSION`,
		"URL_REQUEST": `+HTTP_TRANSACTION_SEND_REQUEST
HTTP_TRANSACTION_HTTP2_SEND_REQUEST_HEADERS headers=[:method: POST :authority: a.test :scheme: https :path: / content-length: 12 authorization: [12 bytes were stripped] accept: */* priority: i]
-HTTP_TRANSACTION_SEND_REQUEST
+HTTP_TRANSACTION_READ_HEADERS
HTTP_TRANSACTION_READ_RESPONSE_HEADERS headers=[HTTP/1.1 200 set-cookie: [6 bytes were stripped]]
-HTTP_TRANSACTION_READ_HEADERS
+HTTP_TRANSACTION_READ_BODY
-HTTP_TRANSACTION_READ_BODY`,
	} {
		if want := strings.Split(want, "\n"); !slices.Equal(got[source], want) {
			t.Errorf("%s:\ngot  %s\nwant %s", source, strings.Join(got[source], "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// events returns the events of each type of source, one a line, without the ids that
// depend on what ran before.
func events(t *testing.T, file []byte) map[string][]string {
	list := map[string][]string{}
	for _, e := range nettest.ReadNetLog(t, file) {
		var line strings.Builder
		line.WriteString(e.String())
		for _, key := range slices.Sorted(maps.Keys(e.Params)) {
			if key != "source_dependency" {
				fmt.Fprintf(&line, " %s=%v", key, e.Params[key])
			}
		}
		list[e.Source] = append(list[e.Source], line.String())
	}
	return list
}
