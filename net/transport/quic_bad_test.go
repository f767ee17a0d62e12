package transport_test

import (
	"crypto/aes"
	"crypto/cipher"
	stdtls "crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/transport"
)

// TestQUICDead: whatever is at the other end of the alternative, the request is answered
// over TCP meanwhile, the alternative is found to be broken, and nothing is left of it.
func TestQUICDead(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
	closed := nettest.UDP(t)
	closed.Close()
	good := nettest.NewHTTP3Server(t, ca.Config("a.test"), http.HandlerFunc(plain))
	peers := []struct {
		name string
		port uint16
	}{
		{"nobody", nettest.PortOf(closed)},
		{"silent", nettest.PortOf(nettest.UDP(t))},
		{"another port answers", relay(t, good, true, func(int) bool { return false })},
		{"retry for ever", retryForEver(t)},
		{"another protocol", nettest.NewQUICServer(t, protocols(ca, "a.test", "doq"), func(*nettest.QUICConn) {})},
		{"a stranger's certificate", nettest.NewHTTP3Server(t, nettest.NewCA().Config("a.test"), http.HandlerFunc(plain))},
		{"nothing over HTTP/3", echo(t)},
	}
	urls := make([]string, len(peers))
	began := time.Now()
	for i, p := range peers {
		url, _ := serveHTTP2As(t, ca.Config("*.x.test"), advertise(at(p.port)))
		url = named(t, url, fmt.Sprintf("h%d.x.test", i)).String()
		for range 2 { // the second begins the race
			if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Proto != "HTTP/2.0" {
				t.Errorf("%s: answered over %s", p.name, resp.Proto)
			}
		}
		urls[i] = url
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the requests took %v", took)
	}
	// Quiche gives up after 5 s without a word, after 10 s in any case.
	for i, p := range peers {
		if !within(12*time.Second-time.Since(began), func() bool { return broken(tr, urls[i]) }) {
			t.Errorf("%s: not broken", p.name)
		}
	}
}

func broken(tr *transport.Transport, url string) bool {
	for _, f := range tr.AltSvc().Snapshot(time.Now()).Broken {
		if strings.Contains(url, "//"+f.Service.Host+":") && !f.Until.IsZero() {
			return true
		}
	}
	return false
}

// within is nettest.Eventually for what takes its time.
func within(patience time.Duration, ok func() bool) bool {
	end := time.After(max(patience, 0))
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			return ok()
		}
	}
	return true
}

// relay passes datagrams to a server at port and back, but for those that drop names by
// their number; with other the answers come from a port of their own.
func relay(t *testing.T, port uint16, other bool, drop func(n int) bool) uint16 {
	front, back := nettest.UDP(t), nettest.UDP(t)
	answers := front
	if other {
		answers = nettest.UDP(t)
	}
	server := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)}
	var client atomic.Pointer[net.UDPAddr]
	var n atomic.Int64
	var wg sync.WaitGroup
	pass := func(from *net.UDPConn, on func([]byte, *net.UDPAddr)) {
		b := make([]byte, 2048)
		for {
			size, addr, err := from.ReadFromUDP(b)
			if err != nil {
				return
			}
			if !drop(int(n.Add(1))) {
				on(b[:size], addr)
			}
		}
	}
	wg.Go(func() {
		pass(front, func(b []byte, from *net.UDPAddr) { client.Store(from); back.WriteToUDP(b, server) })
	})
	wg.Go(func() { pass(back, func(b []byte, _ *net.UDPAddr) { answers.WriteToUDP(b, client.Load()) }) })
	t.Cleanup(func() { front.Close(); back.Close(); wg.Wait() })
	return nettest.PortOf(front)
}

// protocols is a server's configuration that offers one protocol.
func protocols(ca *nettest.CA, host, protocol string) *stdtls.Config {
	cfg := ca.Config(host)
	cfg.NextProtos = []string{protocol}
	return cfg
}

// echo sends back what comes.
func echo(t *testing.T) uint16 {
	socket := nettest.UDP(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2048)
		for {
			n, addr, err := socket.ReadFromUDP(b)
			if err != nil {
				return
			}
			socket.WriteToUDP(b[:n], addr)
		}
	})
	t.Cleanup(func() { socket.Close(); wg.Wait() })
	return nettest.PortOf(socket)
}

// retryForEver answers every Initial with a Retry that is valid by itself (RFC 9001
// section 5.8).
func retryForEver(t *testing.T) uint16 {
	key, _ := hex.DecodeString("be0c690b9f66575a1d766b54e368c84e")
	nonce, _ := hex.DecodeString("461599d35d632bf2239820bb")
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	socket := nettest.UDP(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 2048)
		for n := byte(0); ; n++ {
			size, addr, err := socket.ReadFromUDP(b)
			if err != nil {
				return
			}
			if size < 8 || b[0]&0xf0 != 0xc0 { // Initial
				continue
			}
			to := b[6 : 6+b[5]]
			from := b[6+int(b[5])+1:]
			from = from[:b[6+int(b[5])]]
			retry := append([]byte{0xf0, 0, 0, 0, 1, byte(len(from))}, from...)
			retry = append(retry, 4, n, n, n, n)
			retry = append(retry, "a token"...)
			pseudo := append(append([]byte{byte(len(to))}, to...), retry...)
			socket.WriteToUDP(seal.Seal(retry, nonce, nil, pseudo), addr)
		}
	})
	t.Cleanup(func() { socket.Close(); wg.Wait() })
	return nettest.PortOf(socket)
}

// TestQUICLossy: every second datagram is lost, and all comes through.
func TestQUICLossy(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	body := strings.Repeat("kaon", 4<<10)
	good := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, body)
	}))
	url, _ := serveHTTP2(t, ca, advertise(at(relay(t, good, false, func(n int) bool { return n%2 == 0 }))))
	var resp *exchange.Response
	if !within(30*time.Second, func() bool {
		resp = do(t, tr, &exchange.Request{URL: parse(t, url)})
		return resp.Proto == "HTTP/3.0"
	}) {
		t.Fatal("HTTP/3 was not used")
	}
	resp, err := tr.RoundTrip(t.Context(), &exchange.Request{URL: parse(t, url)})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != body || resp.Proto != "HTTP/3.0" {
		t.Errorf("%s, %d bytes, %v", resp.Proto, len(b), err)
	}
}

// TestQUICClosed: the server ends the connection in the middle of a request, with
// whatever code. TCP takes over where that does no harm, and the alternative is broken.
func TestQUICClosed(t *testing.T) {
	codes := []uint64{0x33, 0x200, 0x201, 0x202, 0x1000}
	for c := uint64(0x100); c <= 0x110; c++ {
		codes = append(codes, c)
	}
	for _, tt := range []struct {
		name   string
		method string
		flags  exchange.LoadFlags
		want   neterr.Code
	}{
		{name: "GET", method: "GET"},
		{name: "POST", method: "POST", want: neterr.QUICProtocolError},
		{name: "POST as in Chromium", method: "POST", flags: exchange.RetryAnyMethod},
	} {
		if tt.method == "POST" {
			codes = codes[:1] // they are all alike
		}
		for _, code := range codes {
			t.Run(fmt.Sprintf("%s/%#x", tt.name, code), func(t *testing.T) {
				ca := nettest.NewCA()
				tr := start(t, transport.Config{TLS: trusting(t, ca)})
				port := nettest.NewQUICServer(t, protocols(ca, "127.0.0.1", "h3"), func(c *nettest.QUICConn) {
					if s, err := c.AcceptStream(c.Context()); err == nil {
						s.Read(make([]byte, 1))
					}
					nettest.CloseQUIC(c, code)
				})
				url, _ := serveHTTP2(t, ca, plain)
				o := origin.Of(parse(t, url))
				tr.AltSvc().Learn(o, origin.Key{}, at(port), time.Now())
				over(t, tr, ca, url)
				resp, err := tr.RoundTrip(t.Context(), &exchange.Request{Method: tt.method, URL: parse(t, url), LoadFlags: tt.flags})
				if neterr.CodeOf(err) != tt.want {
					t.Fatalf("got %v, want %v", err, tt.want)
				}
				service := altsvc.Service{Protocol: "h3", Host: o.Host, Port: port}
				if isBroken := tr.AltSvc().Broken(service, origin.Key{}, time.Now()); isBroken != (err == nil) {
					t.Errorf("broken: %t", isBroken)
				}
				if err == nil {
					resp.Body.Close()
					if resp.Proto != "HTTP/2.0" || resp.Info.Retries != 1 {
						t.Errorf("%s after %d retries", resp.Proto, resp.Info.Retries)
					}
				}
			})
		}
	}
}

// over makes an HTTP/3 connection to url, of which TCP knows nothing, without a request.
func over(t *testing.T, tr *transport.Transport, ca *nettest.CA, url string) {
	t.Helper()
	// Where QUIC has worked, TCP waits for it.
	proof := parse(t, fmt.Sprintf("https://127.0.0.1:%d", nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(plain))))
	tr.AltSvc().Learn(origin.Of(proof), origin.Key{}, at(origin.Of(proof).Port), time.Now())
	tr.Preconnect(t.Context(), transport.Preconnect{URL: proof, N: 1}) // over TCP there is nobody
	nettest.Eventually(t, "QUIC has worked", func() bool {
		return tr.AltSvc().RoundTrip(origin.Of(proof), origin.Key{}) > 0
	})
	tr.AltSvc().SetRoundTrip(origin.Of(parse(t, url)), origin.Key{}, 2*time.Second)
	if err := tr.Preconnect(t.Context(), transport.Preconnect{URL: parse(t, url), N: 1}); err != nil {
		t.Fatal(err)
	}
}

// TestQUICBothFail: where TCP fails, too, its error is the answer, and nothing is broken.
func TestQUICBothFail(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	closed := nettest.UDP(t)
	closed.Close()
	u := parse(t, fmt.Sprintf("https://127.0.0.1:%d/", nettest.FreePort(t)))
	tr.AltSvc().Learn(origin.Of(u), origin.Key{}, at(nettest.PortOf(closed)), time.Now())
	_, err := tr.RoundTrip(t.Context(), &exchange.Request{URL: u})
	if !errors.Is(err, neterr.ConnectionRefused) {
		t.Errorf("got %v, want ERR_CONNECTION_REFUSED", err)
	}
	if broken(tr, u.String()) {
		t.Error("the alternative is broken")
	}
}

// TestTooEarly: a server that does not want a request before the handshake gets it after.
func TestTooEarly(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	var requests atomic.Int32
	port := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); r.URL.Path == "/always" || n == 1 {
			w.WriteHeader(http.StatusTooEarly)
		}
	}))
	url, _ := serveHTTP2(t, ca, plain)
	tr.AltSvc().Learn(origin.Of(parse(t, url)), origin.Key{}, at(port), time.Now())
	over(t, tr, ca, url)
	if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Status != 200 || resp.Proto != "HTTP/3.0" || resp.Info.Retries != 1 {
		t.Errorf("%d over %s after %d retries", resp.Status, resp.Proto, resp.Info.Retries)
	}
	if resp := do(t, tr, &exchange.Request{URL: parse(t, url+"/always")}); resp.Status != 425 || resp.Info.Retries != 1 {
		t.Errorf("%d after %d retries, want 425 after one", resp.Status, resp.Info.Retries)
	}
}

// TestMisdirectedHTTP3: 421 over HTTP/3 has the request, and later ones at once, go over
// TCP.
func TestMisdirectedHTTP3(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	port := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusMisdirectedRequest)
	}))
	url, _ := serveHTTP2(t, ca, advertise(at(port)))
	tr.AltSvc().Learn(origin.Of(parse(t, url)), origin.Key{}, at(port), time.Now())
	over(t, tr, ca, url)
	for _, want := range []int{1, 0} {
		if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Proto != "HTTP/2.0" || resp.Info.Retries != want {
			t.Errorf("%s after %d retries, want HTTP/2.0 after %d", resp.Proto, resp.Info.Retries, want)
		}
	}
}
