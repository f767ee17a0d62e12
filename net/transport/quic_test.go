package transport_test

import (
	"context"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/dial"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/profile"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// advertise is a handler that answers with the protocol and sends one Alt-Svc.
func advertise(field string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Alt-Svc", field)
		io.WriteString(w, r.Proto)
	}
}

// at is an Alt-Svc for HTTP/3 at port.
func at(port uint16) string { return fmt.Sprintf(`h3=":%d"; ma=3600`, port) }

// plain is a handler that answers with the protocol.
func plain(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) }

// until sends requests for url until one is answered over proto.
func until(t *testing.T, tr *transport.Transport, url, proto string) (resp *exchange.Response) {
	t.Helper()
	nettest.Eventually(t, "a response over "+proto, func() bool {
		resp = do(t, tr, &exchange.Request{URL: parse(t, url)})
		return resp.Proto == proto
	})
	return resp
}

// TestAltSvc: the first request goes over TCP; what its response advertises, also before
// it, carries later ones over one connection, until the server takes it back.
func TestAltSvc(t *testing.T) {
	for _, tt := range []struct {
		name  string
		early bool
	}{{"final", false}, {"early hints", true}} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tr := start(t, transport.Config{TLS: trusting(t, ca)})
			port := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(plain))
			url, conns := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Alt-Svc", at(port))
				if tt.early {
					w.WriteHeader(http.StatusEarlyHints)
					w.Header().Del("Alt-Svc")
				}
			})
			if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Proto != "HTTP/2.0" || resp.Info.Alternative != "" {
				t.Fatalf("first %s, found by %q", resp.Proto, resp.Info.Alternative)
			}
			resp := until(t, tr, url, "HTTP/3.0")
			if i := resp.Info; i.Alternative != "alt-svc" || i.Remote.Port() != port || i.TLS.NegotiatedProtocol != "h3" {
				t.Errorf("info %+v", i)
			}
			resp = do(t, tr, &exchange.Request{Method: "POST", URL: parse(t, url), Body: io.NopCloser(strings.NewReader("x")), ContentLength: 1})
			if resp.Proto != "HTTP/3.0" || !resp.Info.Reused || conns() != 1 {
				t.Errorf("later %s, reused %t, %d TCP connections", resp.Proto, resp.Info.Reused, conns())
			}
			if tr.AltSvc().RoundTrip(origin.Of(parse(t, url)), origin.Key{}) <= 0 {
				t.Error("no round trip is known")
			}
		})
	}
}

// TestAltSvcFirst: where QUIC has worked, a new connection is one of QUIC's if it is
// ready within the head start, and its response has the timing of the handshake.
func TestAltSvcFirst(t *testing.T) {
	ca := nettest.NewCA()
	client := trusting(t, ca)
	tr := start(t, transport.Config{TLS: client})
	port := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(plain))
	url, conns := serveHTTP2(t, ca, advertise(at(port)))
	do(t, tr, &exchange.Request{URL: parse(t, url)})
	until(t, tr, url, "HTTP/3.0")
	// A measured round trip on this machine leaves no time. The race that QUIC won when
	// nobody knew it here may not have ended yet: who comes into that one waits for nobody.
	var resp *exchange.Response
	nettest.Eventually(t, "QUIC comes first", func() bool {
		before := conns()
		tr.AltSvc().SetRoundTrip(origin.Of(parse(t, url)), origin.Key{}, 2*time.Second)
		tr.Refresh(neterr.Aborted)
		resp = do(t, tr, &exchange.Request{Method: "POST", URL: parse(t, url)}) // which is not sent early
		return resp.Proto == "HTTP/3.0" && conns() == before
	})
	if tm := resp.Info.Timing.Connect; resp.Info.Reused || tm == nil || tm.TLSStart.IsZero() || !tm.End.Equal(tm.TLSEnd) {
		t.Errorf("reused %t, timing %+v", resp.Info.Reused, tm)
	}
	// Once there is a ticket, sessions are resumed; but not after the certificates are to
	// be judged anew.
	anew := func() *exchange.Response {
		tr.Refresh(neterr.Aborted)
		tr.AltSvc().SetRoundTrip(origin.Of(parse(t, url)), origin.Key{}, 2*time.Second)
		resp := do(t, tr, &exchange.Request{Method: "POST", URL: parse(t, url)})
		if resp.Proto != "HTTP/3.0" || !resp.Info.TLS.HandshakeComplete {
			t.Errorf("%s, handshake complete %t", resp.Proto, resp.Info.TLS.HandshakeComplete)
		}
		return resp
	}
	nettest.Eventually(t, "a session is resumed", func() bool { return anew().Info.TLS.DidResume })
	client.Verifier().Forget()
	if anew().Info.TLS.DidResume {
		t.Error("a session is resumed that nobody has judged")
	}
}

// TestAltSvcUnheard: whom nobody asked, or who may not be believed.
func TestAltSvcUnheard(t *testing.T) {
	client := func(ca *nettest.CA, cfg tls.Config) *tls.Client {
		if cfg.Verifier == nil {
			cfg.Verifier = certverify.New(certverify.Config{Roots: ca.Pool()})
		}
		c, err := tls.NewClient(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tt := range []struct {
		name   string
		tls    tls.Config
		cfg    transport.Config
		accept bool
	}{
		{name: "disabled", cfg: transport.Config{DisableQUIC: true}},
		{name: "a plain Go program", tls: tls.Config{Profile: profile.Go()}},
		{name: "TLS 1.2 at most", tls: tls.Config{SSL: tls.SSLConfig{MaxVersion: "tls1.2"}}},
		{name: "dialled elsewhere", cfg: transport.Config{Dialer: &dial.Dialer{DialContext: new(net.Dialer).DialContext}}},
		{name: "a certificate that the program accepts", tls: tls.Config{Verifier: certverify.New(certverify.Config{Roots: nettest.NewCA().Pool()})}, accept: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tt.cfg.TLS = client(ca, tt.tls)
			tr := start(t, tt.cfg)
			if tt.accept {
				tr.SetCertificateErrorHandler(func(context.Context, *transport.CertificateError) bool { return true })
			}
			url, _ := serveHTTP2(t, ca, advertise(at(1)))
			do(t, tr, &exchange.Request{URL: parse(t, url)})
			if n := tr.AltSvc().Len(); n != 0 {
				t.Errorf("%d servers are known", n)
			}
		})
	}
	t.Run("plain http", func(t *testing.T) {
		ca := nettest.NewCA()
		tr := start(t, transport.Config{TLS: trusting(t, ca)})
		srv := httptest.NewServer(advertise(at(1)))
		t.Cleanup(srv.Close)
		do(t, tr, &exchange.Request{URL: parse(t, srv.URL)})
		if n := tr.AltSvc().Len(); n != 0 {
			t.Errorf("%d servers are known", n)
		}
	})
}

// TestAltSvcTakenBack: "clear", over whatever protocol, ends it for new connections.
func TestAltSvcTakenBack(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	port := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), advertise("clear"))
	url, _ := serveHTTP2(t, ca, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			w.Header().Set("Alt-Svc", at(port))
		}
	})
	do(t, tr, &exchange.Request{URL: parse(t, url+"/first")})
	until(t, tr, url, "HTTP/3.0")
	if n := tr.AltSvc().Len(); n != 0 {
		t.Errorf("%d servers are known", n)
	}
	tr.Refresh(neterr.Aborted)
	if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Proto != "HTTP/2.0" {
		t.Errorf("got %s", resp.Proto)
	}
}

// TestAltSvcElsewhere: another host may answer, if it proves to be the origin.
func TestAltSvcElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cert   string
		broken bool
	}{{"the origin's certificate", "a.test", false}, {"its own", "b.test", true}} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
			port := nettest.NewHTTP3Server(t, ca.Config(tt.cert), http.HandlerFunc(plain))
			base, _ := serveHTTP2As(t, ca.Config("a.test"), advertise(fmt.Sprintf(`h3="b.test:%d"`, port)))
			url := named(t, base, "a.test").String()
			do(t, tr, &exchange.Request{URL: parse(t, url)})
			if !tt.broken {
				until(t, tr, url, "HTTP/3.0")
				return
			}
			awaitBroken(t, tr, url)
			if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Proto != "HTTP/2.0" {
				t.Errorf("got %s", resp.Proto)
			}
		})
	}
}

// awaitBroken asks until all alternatives of url's origin are broken.
func awaitBroken(t *testing.T, tr *transport.Transport, url string) {
	t.Helper()
	nettest.Eventually(t, "the alternative is broken", func() bool {
		do(t, tr, &exchange.Request{URL: parse(t, url)})
		all := tr.AltSvc().Lookup(nil, origin.Of(parse(t, url)), origin.Key{}, time.Now())
		return len(all) > 0 && all[0].Broken
	})
}

// TestOtherHostHTTP3: a connection over HTTP/3 serves another host that advertises the
// same place.
func TestOtherHostHTTP3(t *testing.T) {
	for _, tt := range []struct {
		name  string
		certs []string
		want  int
	}{{"one certificate", []string{"*.x.test"}, 1}, {"two certificates", nil, 2}} {
		t.Run(tt.name, func(t *testing.T) {
			ca := nettest.NewCA()
			tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: local(t)})
			seen := make(chan string, 100)
			port := nettest.NewHTTP3Server(t, certify(ca, tt.certs...), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen <- r.RemoteAddr
			}))
			base, _ := serveHTTP2As(t, certify(ca, tt.certs...), advertise(at(port)))
			for _, host := range []string{"a.x.test", "b.x.test"} {
				until(t, tr, named(t, base, host).String(), "HTTP/3.0")
			}
			conns := map[string]bool{}
			for len(seen) > 0 {
				conns[<-seen] = true
			}
			if len(conns) != tt.want {
				t.Errorf("%d connections, want %d", len(conns), tt.want)
			}
		})
	}
}

// TestHTTPSRecord: DNS says that the host speaks HTTP/3, so the first visit may.
func TestHTTPSRecord(t *testing.T) {
	ca := nettest.NewCA()
	url, port := both(t, ca.Config("a.rig.test"), "a.rig.test", plain)
	dialer := recorded(t, port)
	tr := start(t, transport.Config{TLS: trusting(t, ca), Dialer: dialer})
	var resp *exchange.Response
	nettest.Eventually(t, "a response over HTTP/3", func() bool {
		for range 50 { // QUIC may win late
			if resp = do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Proto == "HTTP/3.0" {
				return true
			}
		}
		// The record came too late for the first connection, which serves from then on.
		dialer.Resolver.ClearCache()
		tr.Refresh(neterr.Aborted)
		return false
	})
	if resp.Info.Alternative != "dns" {
		t.Errorf("found by %q", resp.Info.Alternative)
	}
	if n := tr.AltSvc().Len(); n != 0 {
		t.Errorf("%d servers are known by Alt-Svc", n)
	}
	// QUIC works here, so now it comes first.
	tr.AltSvc().SetRoundTrip(origin.Of(parse(t, url)), origin.Key{}, 2*time.Second)
	tr.Refresh(neterr.Aborted)
	if resp := do(t, tr, &exchange.Request{Method: "POST", URL: parse(t, url)}); resp.Proto != "HTTP/3.0" || resp.Info.Reused {
		t.Errorf("%s, reused %t", resp.Proto, resp.Info.Reused)
	}
}

// both serves host over TCP and QUIC at ports of the same number.
func both(t testing.TB, cfg *stdtls.Config, host string, h http.HandlerFunc) (url string, port uint16) {
	t.Helper()
	for range 10 {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port = ln.Addr().(*net.TCPAddr).AddrPort().Port()
		udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
		if err != nil {
			ln.Close()
			continue
		}
		stop, err := nettest.ServeHTTP3(udp, cfg, h)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(stop)
		srv := httptest.NewUnstartedServer(h)
		srv.Listener.Close()
		srv.Config.ErrorLog = log.New(io.Discard, "", 0)
		srv.Listener, srv.EnableHTTP2 = ln, true
		srv.TLS = cfg.Clone()
		srv.TLS.NextProtos = nil
		srv.StartTLS()
		t.Cleanup(srv.Close)
		return fmt.Sprintf("https://%s:%d/", host, port), port
	}
	t.Fatal("no port is free over both")
	return "", 0
}

// recording is a DNS server for which a.rig.test is this machine, and speaks protocols at
// port.
func recording(t testing.TB, port uint16, protocols string) netip.AddrPort {
	t.Helper()
	rig := nettest.Named(t, nettest.NamedConfig{Origin: "rig.test", Records: fmt.Sprintf(
		"a IN A 127.0.0.1\n_%d._https.a IN HTTPS 1 . alpn=%q\n", port, protocols)})
	return netip.MustParseAddrPort(rig.DNS)
}

// recorded is a dialer that finds a.rig.test by what recording says.
func recorded(t testing.TB, port uint16) *dial.Dialer {
	t.Helper()
	resolver := dns.New(dns.Config{
		Nameservers: []netip.AddrPort{recording(t, port, "h3,h2")}, DisableHosts: true,
		Client: dns.ClientConfig{BuiltInResolver: dns.On},
	})
	t.Cleanup(resolver.Close)
	return &dial.Dialer{Resolver: resolver}
}

// TestNetworkChangedHTTP3: the connection ends as HTTP/2's, and QUIC has yet to prove
// that it works on the new network.
func TestNetworkChangedHTTP3(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	release := make(chan struct{})
	port := nettest.NewHTTP3Server(t, ca.Config("127.0.0.1"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			io.WriteString(w, "ha")
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	}))
	defer close(release)
	url, conns := serveHTTP2(t, ca, advertise(at(port)))
	do(t, tr, &exchange.Request{URL: parse(t, url)})
	until(t, tr, url, "HTTP/3.0")
	resp, err := tr.RoundTrip(t.Context(), &exchange.Request{URL: parse(t, url+"/slow")})
	if err != nil || resp.Proto != "HTTP/3.0" {
		t.Fatalf("%+v, %v", resp, err)
	}
	before := conns()
	tr.NetworkChanged()
	if !slices.Contains([]string{"windows", "android", "ios"}, runtime.GOOS) {
		if _, err := io.ReadAll(resp.Body); !errors.Is(err, neterr.NetworkChanged) {
			t.Errorf("the stream under way: %v, want ERR_NETWORK_CHANGED", err)
		}
	}
	resp.Body.Close()
	if resp := do(t, tr, &exchange.Request{URL: parse(t, url)}); resp.Info.Reused || conns() != before+1 && resp.Proto != "HTTP/3.0" {
		t.Errorf("a later request: %s, reused %t, %d TCP connections more", resp.Proto, resp.Info.Reused, conns()-before)
	}
}

// TestClientCertificateHTTP3: a server that wants to know who we are asks over TCP, and
// is shown the same over QUIC.
func TestClientCertificateHTTP3(t *testing.T) {
	ca := nettest.NewCA()
	tr := start(t, transport.Config{TLS: trusting(t, ca)})
	cert := ca.Issue("me.test")
	asked := 0
	tr.SetClientCertificateSelector(func(context.Context, *tls.ClientAuthError) (*tls.ClientCertificate, error) {
		asked++
		return &tls.ClientCertificate{Chain: []*x509.Certificate{cert.Leaf}, Key: cert.PrivateKey.(crypto.Signer)}, nil
	})
	who := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Who", r.TLS.PeerCertificates[0].DNSNames[0])
	}
	strict := func() *stdtls.Config {
		cfg := ca.Config("127.0.0.1")
		cfg.ClientAuth, cfg.ClientCAs = stdtls.RequireAndVerifyClientCert, ca.Pool()
		return cfg
	}
	url, port := both(t, strict(), "127.0.0.1", who)
	tr.AltSvc().Learn(origin.Of(parse(t, url)), origin.Key{}, at(port), time.Now())
	resp := do(t, tr, &exchange.Request{URL: parse(t, url)})
	if resp.Header.Get("Who") != "me.test" { // over either: QUIC does not ask, but may show
		t.Fatalf("%s to %q", resp.Proto, resp.Header.Get("Who"))
	}
	resp = until(t, tr, url, "HTTP/3.0")
	if resp.Header.Get("Who") != "me.test" || asked != 1 {
		t.Errorf("the server saw %q, asked %d times", resp.Header.Get("Who"), asked)
	}
}
