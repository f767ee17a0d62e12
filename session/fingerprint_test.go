package session_test

import (
	"bytes"
	stdtls "crypto/tls"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/session"
)

// An opening is how a connection of HTTP/2 began.
type opening struct {
	hello  *nettest.ClientHello
	frames []string // up to the first request: type, length but for HEADERS, flags
	akamai string   // SETTINGS|WINDOW_UPDATE|PRIORITY|pseudo-header fields
	fields string   // the first request's block, as coded
	err    error
}

// openings is a server that answers the first request of each connection with 200 and
// tells how the client began.
func openings(t *testing.T, cfg *stdtls.Config) (port string, seen <-chan opening) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	out := make(chan opening, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			raw, err := l.Accept()
			if err != nil {
				return
			}
			var wire bytes.Buffer
			conn := stdtls.Server(teeConn{raw, &wire}, cfg)
			var o opening
			if o.err = conn.Handshake(); o.err == nil {
				o.hello = nettest.ClientHellos(t, wire.Bytes())[0]
				o.err = o.read(conn)
			}
			out <- o
			io.Copy(io.Discard, conn) // until the client closes
			raw.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port, out
}

type teeConn struct {
	net.Conn
	w io.Writer
}

func (c teeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.w.Write(p[:n])
	return n, err
}

// read takes what comes up to the first request, and answers that.
func (o *opening) read(c io.ReadWriter) error {
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(c, preface); err != nil {
		return err
	}
	var settings []string
	var window uint32
	for {
		var head [9]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return err
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(c, payload); err != nil {
			return err
		}
		length, flags := fmt.Sprint(" len=", len(payload)), head[4]
		switch head[3] {
		case 4:
			for p := payload; len(p) >= 6; p = p[6:] {
				settings = append(settings, fmt.Sprintf("%d:%d", binary.BigEndian.Uint16(p), binary.BigEndian.Uint32(p[2:])))
			}
		case 8:
			window = binary.BigEndian.Uint32(payload)
		case 1:
			if flags&0x20 != 0 {
				payload = payload[5:] // the weight
			}
			length, o.fields = "", string(payload)
		}
		o.frames = append(o.frames, fmt.Sprintf("%d%s flags=%#02x", head[3], length, flags))
		if head[3] == 1 {
			break
		}
	}
	o.akamai = fmt.Sprintf("%s|%d|0|%s", strings.Join(settings, ";"), window, pseudoOrder(o.fields))
	// SETTINGS, their acknowledgement, and :status 200 from the static table.
	_, err := c.Write([]byte("\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x00\x04\x01\x00\x00\x00\x00" + "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"))
	return err
}

// pseudoOrder names the first four fields of an HPACK block, which on a new connection
// refer to the static table.
func pseudoOrder(block string) string {
	names := [8]string{1: "a", 2: "m", 3: "m", 4: "p", 5: "p", 6: "s", 7: "s"}
	var order []string
	for range 4 {
		b := block[0]
		block = block[1:]
		if b&0x80 != 0 {
			order = append(order, names[b&7])
			continue
		}
		order = append(order, names[b&7])
		block = block[1+int(block[0]&0x7f):]
	}
	return strings.Join(order, ",")
}

// openTwice makes two connections of s, the second of which may resume.
func openTwice(t *testing.T, s *session.Session, port string, seen <-chan opening) (list [2]opening) {
	t.Helper()
	for i := range list {
		resp, err := s.Fetch(t.Context(), "https://probe.test:"+port+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Proto != "HTTP/2.0" || resp.Info.TLS.DidResume != (i > 0) {
			t.Errorf("connection %d: %s, resumed %t", i, resp.Proto, resp.Info.TLS.DidResume)
		}
		resp.Body.Close()
		s.CloseAllConnections()
		if list[i] = <-seen; list[i].err != nil {
			t.Fatal(list[i].err)
		}
	}
	return list
}

// TestFingerprint holds one live connection, all of it, against what the browser was
// seen to do: its ClientHello and what opens HTTP/2, first and resumed.
func TestFingerprint(t *testing.T) {
	nettest.CheckGoroutines(t)
	classes := nettest.ReadHelloClasses(t, "../tls/testdata/chromium-156-tls.json")
	var want struct {
		Akamai string
	}
	b, err := os.ReadFile("../net/h2/testdata/chromium-156-h2.json")
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	ca := nettest.NewCA()
	cfg := ca.Config("probe.test")
	cfg.NextProtos = []string{"h2"}
	port, seen := openings(t, cfg)
	s := newSession(t, mapping(t, ca, "probe.test"))
	for i, o := range openTwice(t, s, port, seen) {
		class := classes[[]string{"tcp", "tcp+psk"}[i]]
		class.Compare(t, o.hello, "probe.test")
		if got := o.hello.JA4(t); got != class.JA4 {
			t.Errorf("connection %d: JA4 %s, want %s", i, got, class.JA4)
		}
		if o.akamai != want.Akamai {
			t.Errorf("connection %d: HTTP/2 fingerprint %s, want %s", i, o.akamai, want.Akamai)
		}
		if got, want := strings.Join(o.frames, ", "), "4 len=24 flags=0x00, 8 len=4 flags=0x00, 1 flags=0x25"; got != want {
			t.Errorf("connection %d: frames %s, want %s", i, got, want)
		}
		if !strings.Contains(o.fields, priorityName) {
			t.Errorf("connection %d: there is no priority field", i)
		}
	}
}

// priorityName is the field name "priority" as HPACK's Huffman code has it.
const priorityName = "\xae\xc3\x1e\xc3\x27\xd7"

// TestGoProfile: a session with another profile shows nothing of the browser, on any
// layer.
func TestGoProfile(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca := nettest.NewCA()
	server := ca.Config("probe.test")
	server.NextProtos = []string{"h2"}
	port, seen := openings(t, server)
	cfg := mapping(t, ca, "probe.test")
	cfg.TLS.Profile = profile.Go()
	s := newSession(t, cfg)
	if ua := s.UserAgent(); ua != "Go-http-client/1.1" {
		t.Errorf("User-Agent: got %q", ua)
	}
	for i, o := range openTwice(t, s, port, seen) {
		if _, ok := o.hello.Body(profile.ExtALPS); ok || o.hello.GREASECipher != 0xc02b {
			t.Errorf("connection %d: the hello is a browser's: %+v", i, o.hello)
		}
		if want := "2:0;4:4194304;5:16384;6:10485760|1073741824|0|a,m,p,s"; o.akamai != want {
			t.Errorf("connection %d: HTTP/2 fingerprint %s, want %s", i, o.akamai, want)
		}
		if last := o.frames[len(o.frames)-1]; last != "1 flags=0x05" {
			t.Errorf("connection %d: HEADERS %s, want one without a weight", i, last)
		}
		if strings.Contains(o.fields, priorityName) {
			t.Errorf("connection %d: there is a priority field", i)
		}
	}
}
