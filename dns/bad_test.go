package dns_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/neterr"
)

// What a server may say.
var (
	fine       = says(replying(good))
	servfail   = says(rcode(dnsmessage.RCodeServerFailure))
	cutOnUDP   = replying(func(m *dnsmessage.Message) { m.Truncated = true })
	garbage    = says(func([]byte) []byte { return []byte("\xff\xfe\xfd") })
	denying    = rcode(dnsmessage.RCodeNameError)
	deniesWell = replying(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeNameError; soa(m) })
)

func rcode(code dnsmessage.RCode) func([]byte) []byte {
	return replying(func(m *dnsmessage.Message) { m.RCode = code })
}

// forged is as good, but for the id.
func forged(query []byte) []byte {
	b := replying(good)(query)
	b[0] ^= 1
	return b
}

func otherQuestion(query []byte) []byte {
	return replying(func(m *dnsmessage.Message) {
		m.Questions[0].Name = dnsmessage.MustNewName("other.test.")
		good(m)
	})(query)
}

// loop is a message whose name points at itself.
func loop(query []byte) []byte {
	b := replying(good)(query)
	i := len(b) - 16 // the answer's name: a pointer, to here
	b[i], b[i+1] = 0xc0, byte(i)
	return b
}

// answers is a nameserver with an answer made by edit.
func answers(edit func(m *dnsmessage.Message)) nameserver { return says(replying(edit)) }

// TestBadAnswers: whatever servers say, there is an answer or the right code, soon.
func TestBadAnswers(t *testing.T) {
	const host = "host.test."
	either := func(udp, tcp nameserver) nameserver {
		return func(network string, query []byte) [][]byte {
			if network == "tcp" {
				return tcp(network, query)
			}
			return udp(network, query)
		}
	}
	then := func(first, second func([]byte) []byte) nameserver {
		return func(_ string, query []byte) [][]byte { return [][]byte{first(query), second(query)} }
	}
	truth := replying(good)
	for _, tt := range []struct {
		name    string
		servers []nameserver
		want    string        // addresses; empty: there are none
		code    neterr.Code   // 0 with addresses, else usually NameNotResolved
		cause   neterr.Code   // behind it; 0: the name does not exist
		took    time.Duration // 0: at once
	}{
		{name: "one of two fails", servers: []nameserver{servfail, fine}, want: "192.0.2.99"},
		{name: "one of two refuses", servers: []nameserver{says(rcode(dnsmessage.RCodeRefused)), fine}, want: "192.0.2.99"},
		{name: "one of two is silent", servers: []nameserver{silent, fine}, want: "192.0.2.99", took: 1010 * time.Millisecond},
		{name: "one of two sends garbage", servers: []nameserver{garbage, fine}, want: "192.0.2.99"},
		{name: "all fail", servers: []nameserver{servfail, servfail}, cause: neterr.DNSServerFailure},
		{name: "refused", servers: []nameserver{says(rcode(dnsmessage.RCodeRefused))}, cause: neterr.DNSRefused},
		{name: "not implemented", servers: []nameserver{says(rcode(dnsmessage.RCodeNotImplemented))}, cause: neterr.DNSNotImplemented},
		{name: "format error", servers: []nameserver{says(rcode(dnsmessage.RCodeFormatError))}, cause: neterr.DNSFormatError},
		{name: "another code", servers: []nameserver{says(rcode(6))}, cause: neterr.DNSOtherFailure},
		{name: "lame: it refers to others", servers: []nameserver{answers(func(m *dnsmessage.Message) {
			name := dnsmessage.MustNewName("test.")
			m.Authorities = append(m.Authorities, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 300}, Body: &dnsmessage.NSResource{NS: name},
			})
		})}},

		{name: "forged id, then the truth", servers: []nameserver{then(forged, truth)}, want: "192.0.2.99"},
		{name: "another question, then the truth", servers: []nameserver{then(otherQuestion, truth)}, want: "192.0.2.99"},
		{name: "forged id alone", servers: []nameserver{says(forged)}, cause: neterr.DNSTimedOut, took: 10 * time.Second},
		{name: "another question alone", servers: []nameserver{says(otherQuestion)}, cause: neterr.DNSTimedOut, took: 10 * time.Second},
		{name: "forged without end: TCP cannot be", servers: []nameserver{either(func(_ string, query []byte) [][]byte {
			return slices.Repeat([][]byte{forged(query)}, 100)
		}, fine)}, want: "192.0.2.99"},

		{name: "garbage", servers: []nameserver{garbage}, cause: neterr.DNSMalformedResponse},
		{name: "nothing at all", servers: []nameserver{says(func([]byte) []byte { return []byte{} })}, cause: neterr.DNSMalformedResponse},
		{name: "cut in the middle of a record", servers: []nameserver{says(func(q []byte) []byte { b := truth(q); return b[:len(b)-2] })}, cause: neterr.DNSMalformedResponse},
		{name: "compression loop", servers: []nameserver{says(loop)}, cause: neterr.DNSMalformedResponse},
		{name: "oversized", servers: []nameserver{says(func(q []byte) []byte { return append(truth(q), make([]byte, 5000)...) })}, cause: neterr.DNSMalformedResponse},

		{name: "truncated, whole over TCP", servers: []nameserver{either(says(cutOnUDP), fine)}, want: "192.0.2.99"},
		{name: "truncated over both", servers: []nameserver{says(cutOnUDP)}, cause: neterr.DNSMalformedResponse},
		{name: "truncated, silent over TCP", servers: []nameserver{either(says(cutOnUDP), silent)}, cause: neterr.DNSTimedOut, took: 10 * time.Second},

		{name: "an alias", servers: []nameserver{answers(func(m *dnsmessage.Message) {
			alias(m, host, "a.test.")
			add(m, "a.test.", "192.0.2.99")
		})}, want: "192.0.2.99"},
		{name: "aliases in a circle", servers: []nameserver{answers(func(m *dnsmessage.Message) {
			alias(m, host, "a.test.")
			alias(m, "a.test.", host)
		})}, cause: neterr.DNSMalformedResponse},
		{name: "an alias of itself", servers: []nameserver{answers(func(m *dnsmessage.Message) { alias(m, host, host) })}, cause: neterr.DNSMalformedResponse},
		{name: "two aliases", servers: []nameserver{answers(func(m *dnsmessage.Message) {
			alias(m, host, "a.test.")
			alias(m, host, "b.test.")
		})}, cause: neterr.DNSMalformedResponse},
		{name: "a record of another name", servers: []nameserver{answers(func(m *dnsmessage.Message) { add(m, "other.test.", "192.0.2.66") })}, cause: neterr.DNSMalformedResponse},

		{name: "name collision", servers: []nameserver{answers(func(m *dnsmessage.Message) { add(m, host, "127.0.53.53") })}, code: neterr.ICANNNameCollision},
		{name: "a private address", servers: []nameserver{answers(func(m *dnsmessage.Message) { add(m, host, "10.0.0.1") })}, want: "10.0.0.1"},
		{name: "no such name", servers: []nameserver{says(deniesWell)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers := nameservers{list: tt.servers}
			bubble(t, dns.Config{System: unasked(t), Nameservers: servers.addrs(), Dial: servers.dial}, func(t *testing.T, r *dns.Resolver) {
				start := time.Now()
				res, err := r.Resolve(t.Context(), "host.test", dns.Options{Source: dns.SourceDNS, QueryType: dns.QueryA})
				if took := time.Since(start); took != tt.took {
					t.Errorf("it took %v, want %v", took, tt.took)
				}
				code := tt.code
				if tt.want == "" && code == 0 {
					code = neterr.NameNotResolved
				}
				if neterr.CodeOf(err) != code || tt.cause != 0 && !errors.Is(err, tt.cause) || tt.cause == 0 && cause(err) != nil ||
					!slices.Equal(res.Addrs, addrs(tt.want)) {
					t.Errorf("got %v, %v; want %q, %v because of %v", res.Addrs, err, tt.want, code, tt.cause)
				}
				r.Close()
				servers.serving.Wait()
			})
		})
	}
}

// TestPoison: what a server says beside the answer is not believed, of this name or
// another.
func TestPoison(t *testing.T) {
	servers := nameservers{list: []nameserver{answers(func(m *dnsmessage.Message) {
		good(m)
		m.Additionals = append(m.Additionals, recordA("host.test.", "192.0.2.66"), recordA("bank.test.", "192.0.2.66"))
		m.Authorities = append(m.Authorities, recordA("bank.test.", "192.0.2.66"))
	})}}
	bubble(t, dns.Config{System: unasked(t), Nameservers: servers.addrs(), Dial: servers.dial}, func(t *testing.T, r *dns.Resolver) {
		defer servers.serving.Wait()
		o := dns.Options{Source: dns.SourceDNS, QueryType: dns.QueryA}
		if res, err := r.Resolve(t.Context(), "host.test", o); err != nil || !slices.Equal(res.Addrs, addrs("192.0.2.99")) {
			t.Errorf("got %v, %v, want 192.0.2.99", res.Addrs, err)
		}
		o.Source = dns.SourceLocalOnly
		if res, err := r.Resolve(t.Context(), "bank.test", o); !errors.Is(err, neterr.DNSCacheMiss) {
			t.Errorf("got %v, %v of a name that nobody asked for", res.Addrs, err)
		}
	})
}

// TestDenials: that there is no such name, or nothing there, is remembered as long as
// the zone says, and not at all if it does not say.
func TestDenials(t *testing.T) {
	for _, tt := range []struct {
		name  string
		reply func([]byte) []byte
		after time.Duration
		asked bool
	}{
		{"no such name", deniesWell, 29 * time.Second, false},
		{"no such name, later", deniesWell, 30 * time.Second, true},
		{"no such name, without SOA", denying, 0, true},
		{"nothing there", replying(soa), 29 * time.Second, false},
		{"nothing there, later", replying(soa), 30 * time.Second, true},
		{"nothing there, without SOA", replying(func(*dnsmessage.Message) {}), 0, true},
		{"failed", rcode(dnsmessage.RCodeServerFailure), 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			servers := nameservers{list: []nameserver{says(tt.reply)}}
			bubble(t, dns.Config{System: unasked(t), Nameservers: servers.addrs(), Dial: servers.dial}, func(t *testing.T, r *dns.Resolver) {
				defer servers.serving.Wait()
				for again := range 2 {
					if _, err := r.Resolve(t.Context(), "host.test", dns.Options{Source: dns.SourceDNS}); neterr.CodeOf(err) != neterr.NameNotResolved {
						t.Errorf("got %v, want %v", err, neterr.NameNotResolved)
					}
					if asked := servers.questions() > 0; asked != (again == 0 || tt.asked) {
						t.Errorf("lookup %d: asked %v", again, asked)
					}
					time.Sleep(tt.after)
				}
			})
		})
	}
}

// TestBadSecureServers: they fail, and nobody else is asked.
func TestBadSecureServers(t *testing.T) {
	always := func(status int, contentType, body string) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) { return response(status, contentType, []byte(body)), nil })
	}
	const media = "application/dns-message"
	for _, tt := range []struct {
		name  string
		http  http.RoundTripper
		code  neterr.Code
		cause neterr.Code
	}{
		{"a web page", always(200, "text/html", "<p>log in first"), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"500", always(500, media, ""), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"404 with a message", always(404, media, strings.Repeat("\x00", 12)), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"a redirect", always(302, media, ""), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"empty", always(200, media, ""), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"garbage", always(200, media, "\xff\xfe\xfd"), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"too long", always(200, media, strings.Repeat("\x00", 1<<16)), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"truncated", overHTTPS(cutOnUDP), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"another id", overHTTPS(forged), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"another question", overHTTPS(otherQuestion), neterr.NameNotResolved, neterr.DNSMalformedResponse},
		{"it fails", overHTTPS(rcode(dnsmessage.RCodeServerFailure)), neterr.NameNotResolved, neterr.DNSServerFailure},
		{"it refuses", overHTTPS(rcode(dnsmessage.RCodeRefused)), neterr.NameNotResolved, neterr.DNSRefused},
		{"name collision", overHTTPS(replying(func(m *dnsmessage.Message) { add(m, "host.test.", "127.0.53.53") })), neterr.ICANNNameCollision, neterr.ICANNNameCollision},
		{"nobody listens", roundTripper(func(*http.Request) (*http.Response, error) { return nil, neterr.ConnectionRefused }), neterr.NameNotResolved, neterr.ConnectionRefused},
		{"not to be trusted", roundTripper(func(*http.Request) (*http.Response, error) { return nil, neterr.CertAuthorityInvalid }), neterr.NameNotResolved, neterr.CertAuthorityInvalid},
		{"not to be found", roundTripper(func(*http.Request) (*http.Response, error) { return nil, neterr.NameNotResolved }), neterr.NameNotResolved, neterr.DNSSecureResolverHostnameResolutionFailed},
		{"the body breaks off", roundTripper(func(*http.Request) (*http.Response, error) {
			res := response(200, media, nil)
			res.ContentLength, res.Body = -1, io.NopCloser(io.MultiReader(strings.NewReader("\x00"), broken{}))
			return res, nil
		}), neterr.NameNotResolved, neterr.ConnectionReset},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, dns.Config{
				System: unasked(t), Nameservers: []netip.AddrPort{}, HTTP: tt.http,
				Client: dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: secureServers(t, "https://dns.test/")},
			}, func(t *testing.T, r *dns.Resolver) {
				start := time.Now()
				res, err := r.Resolve(t.Context(), "host.test", dns.Options{QueryType: dns.QueryA})
				if neterr.CodeOf(err) != tt.code || !errors.Is(err, tt.cause) || res.Addrs != nil || time.Since(start) != 0 {
					t.Errorf("got %v, %v after %v; want %v because of %v, at once", res.Addrs, err, time.Since(start), tt.code, tt.cause)
				}
			})
		})
	}
}

// broken is a body that fails.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, neterr.ConnectionReset }

// TestSettingsChangeMeanwhile: a question under way ends, as when the network changes.
func TestSettingsChangeMeanwhile(t *testing.T) {
	bubble(t, dns.Config{
		System: unasked(t), Nameservers: []netip.AddrPort{},
		HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}),
		Client: dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: secureServers(t, "https://dns.test/")},
	}, func(t *testing.T, r *dns.Resolver) {
		l := r.Start(t.Context(), "host.test", dns.Options{})
		defer l.Close()
		synctest.Wait()
		r.Configure(dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure})
		<-l.Changed()
		if _, done, err := l.Poll(); !done || neterr.CodeOf(err) != neterr.NetworkChanged {
			t.Errorf("got done %v, %v, want %v", done, err, neterr.NetworkChanged)
		}
	})
}

// TestSettingsChangeWithin: it may be a question over HTTPS itself that finds the
// system's settings changed, when it has its server's name resolved. It does not wait for
// its own end.
func TestSettingsChangeWithin(t *testing.T) {
	var r *dns.Resolver
	change := sync.OnceFunc(func() { r.Configure(dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure}) })
	cfg := dns.Config{
		System: unasked(t), Nameservers: []netip.AddrPort{},
		HTTP: roundTripper(func(*http.Request) (*http.Response, error) {
			change()
			return nil, neterr.ConnectionRefused
		}),
		Client: dns.ClientConfig{SecureDNSMode: dns.SecureDNSSecure, SecureDNSServers: secureServers(t, "https://dns.test/")},
	}
	bubble(t, cfg, func(t *testing.T, made *dns.Resolver) {
		r = made
		if res, err := r.Resolve(t.Context(), "host.test", dns.Options{}); err == nil {
			t.Errorf("got %v", res)
		}
		r.Close()
		r.Configure(cfg.Client) // too late to begin anything
		if _, err := r.Resolve(t.Context(), "host.test", dns.Options{}); neterr.CodeOf(err) != neterr.ContextShutDown {
			t.Errorf("after Close: got %v, want %v", err, neterr.ContextShutDown)
		}
	})
}

// TestBadHostsFiles: they are read as far as they make sense.
func TestBadHostsFiles(t *testing.T) {
	var long strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&long, "10.%d.%d.%d host%d.test\n", i>>16, i>>8&0xff, i&0xff, i)
	}
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	for _, tt := range []struct{ name, file, host, want string }{
		{"100,000 lines", long.String(), "host99999.test", "10.1.134.159"},
		{"noise", string(noise), "host.test", ""},
		{"noise before", string(noise) + "\n192.0.2.1 host.test\n", "host.test", "192.0.2.1"},
		{"one line without end", strings.Repeat("a", 1<<20), "host.test", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "hosts")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			r := newResolver(t, dns.Config{System: unasked(t), HostsFile: path})
			res, err := r.Resolve(t.Context(), tt.host, dns.Options{Source: dns.SourceLocalOnly})
			if !slices.Equal(res.Addrs, addrs(tt.want)) || (err == nil) != (tt.want != "") {
				t.Errorf("got %v, %v, want %q", res.Addrs, err, tt.want)
			}
		})
	}
}
