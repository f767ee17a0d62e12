package dnswire_test

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
)

// reply packs an answer to a question for name, with records as a zone file has them.
func reply(t *testing.T, name string, typ dnswire.Type, rcode int, answer, authority, additional string) []byte {
	t.Helper()
	var m miekg.Msg
	m.SetQuestion(miekg.Fqdn(name), uint16(typ))
	m.Id, m.Response, m.Rcode = 7, true, rcode
	m.Answer, m.Ns, m.Extra = records(t, answer), records(t, authority), records(t, additional)
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func records(t *testing.T, zone string) []miekg.RR {
	t.Helper()
	p := miekg.NewZoneParser(strings.NewReader(zone), "", "")
	var rrs []miekg.RR
	for rr, ok := p.Next(); ok; rr, ok = p.Next() {
		rrs = append(rrs, rr)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	return rrs
}

func addrs(s ...string) (list []netip.Addr) {
	for _, a := range s {
		list = append(list, netip.MustParseAddr(a))
	}
	return list
}

func TestAnswers(t *testing.T) {
	const soa = "test. 300 IN SOA ns.test. admin.test. 1 2 3 4 5\n"
	for _, c := range []struct {
		name                          string
		typ                           dnswire.Type
		rcode                         int
		answer, authority, additional string
		want                          dnswire.Answer
	}{
		{
			name: "addresses", typ: dnswire.A, answer: "h.test. 60 IN A 192.0.2.1\nH.TEST. 30 IN A 192.0.2.2\n",
			want: dnswire.Answer{Addrs: addrs("192.0.2.1", "192.0.2.2"), CanonicalName: "h.test", TTL: 30 * time.Second, Known: true},
		},
		{
			name: "IPv6", typ: dnswire.AAAA, answer: "h.test. 60 IN AAAA 2001:db8::1\n",
			want: dnswire.Answer{Addrs: addrs("2001:db8::1"), CanonicalName: "h.test", TTL: time.Minute, Known: true},
		},
		{
			name: "a chain of aliases in disorder", typ: dnswire.A,
			answer: "b.test. 60 IN CNAME C.test.\nc.test. 50 IN A 192.0.2.1\nh.test. 40 IN CNAME b.test.\n",
			want:   dnswire.Answer{Addrs: addrs("192.0.2.1"), CanonicalName: "c.test", TTL: 40 * time.Second, Known: true},
		},
		{
			name: "aliases to nothing", typ: dnswire.A, answer: "h.test. 60 IN CNAME b.test.\n", authority: soa,
			want: dnswire.Answer{CanonicalName: "b.test", TTL: 300 * time.Second, Known: true},
		},
		{
			name: "no such name", typ: dnswire.A, rcode: miekg.RcodeNameError, authority: soa,
			want: dnswire.Answer{CanonicalName: "h.test", NameError: true, TTL: 300 * time.Second, Known: true},
		},
		{
			name: "no such name, nobody knows for how long", typ: dnswire.A, rcode: miekg.RcodeNameError,
			want: dnswire.Answer{CanonicalName: "h.test", NameError: true},
		},
		{
			name: "additional records prove nothing", typ: dnswire.A, authority: "h.test. 60 IN A 192.0.2.66\n", additional: "h.test. 60 IN A 192.0.2.66\n",
			want: dnswire.Answer{CanonicalName: "h.test"},
		},
		{
			name: "other types and classes are ignored", typ: dnswire.A,
			answer: "h.test. 60 IN TXT \"x\"\nh.test. 60 CH A 192.0.2.66\nh.test. 60 IN A 192.0.2.1\n",
			want:   dnswire.Answer{Addrs: addrs("192.0.2.1"), CanonicalName: "h.test", TTL: time.Minute, Known: true},
		},
		{
			name: "a negative TTL is none", typ: dnswire.A, answer: "h.test. 2147483648 IN A 192.0.2.1\n",
			want: dnswire.Answer{Addrs: addrs("192.0.2.1"), CanonicalName: "h.test", Known: true},
		},
		{
			name: "HTTPS", typ: dnswire.HTTPS,
			answer: `h.test. 60 IN HTTPS 1 . alpn="h3,h2" port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1 ech="AAEC"` + "\n" +
				`h.test. 60 IN HTTPS 2 Other.test. alpn="h2" no-default-alpn` + "\n" +
				`h.test. 60 IN HTTPS 3 . mandatory=key700 key700="x"` + "\n" +
				`h.test. 60 IN HTTPS 4 . mandatory=alpn alpn="h2"` + "\n" +
				`h.test. 60 IN HTTPS 5 . no-default-alpn` + "\n" +
				`h.test. 60 IN HTTPS 0 alias.test.` + "\n",
			want: dnswire.Answer{Services: []dnswire.Service{
				{Priority: 1, ALPN: []string{"h3", "h2"}, Port: 8443, ECH: []byte{0, 1, 2}, Hints: addrs("192.0.2.1", "2001:db8::1")},
				{Priority: 2, Target: "other.test", ALPN: []string{"h2"}, Strict: true},
				{Priority: 4, ALPN: []string{"h2"}},
				{Priority: 0, Target: "alias.test"},
			}, CanonicalName: "h.test", TTL: time.Minute, Known: true},
		},
		{
			name: "names", typ: dnswire.PTR, answer: "h.test. 60 IN PTR a.test.\n",
			want: dnswire.Answer{Names: []string{"a.test"}, CanonicalName: "h.test", TTL: time.Minute, Known: true},
		},
		{
			name: "texts", typ: dnswire.TXT, answer: `h.test. 60 IN TXT "a" "b"` + "\n",
			want: dnswire.Answer{Texts: [][]string{{"a", "b"}}, CanonicalName: "h.test", TTL: time.Minute, Known: true},
		},
		{
			name: "servers", typ: dnswire.SRV, answer: "h.test. 60 IN SRV 1 2 3 a.test.\n",
			want: dnswire.Answer{Servers: []dnswire.Server{{1, 2, 3, "a.test"}}, CanonicalName: "h.test", TTL: time.Minute, Known: true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			msg := reply(t, "h.test", c.typ, c.rcode, c.answer, c.authority, c.additional)
			got, err := dnswire.Parse(msg, dnswire.Question{Name: "H.test", Type: c.typ}, 7)
			if err != nil || !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestBadAnswers(t *testing.T) {
	good := reply(t, "h.test", dnswire.A, 0, "h.test. 60 IN A 192.0.2.1\n", "", "")
	edit := func(at int, v byte) []byte {
		b := slices.Clone(good)
		b[at] = v
		return b
	}
	of := func(rcode int, answer string) []byte { return reply(t, "h.test", dnswire.A, rcode, answer, "", "") }
	for _, c := range []struct {
		name string
		msg  []byte
		want error
	}{
		{"nothing", nil, neterr.DNSMalformedResponse},
		{"half a header", good[:7], neterr.DNSMalformedResponse},
		{"another id", edit(0, 9), dnswire.ErrMismatch},
		{"a question", edit(2, 0), dnswire.ErrMismatch},
		{"another name", reply(t, "i.test", dnswire.A, 0, "h.test. 60 IN A 192.0.2.1\n", "", ""), dnswire.ErrMismatch},
		{"another type", reply(t, "h.test", dnswire.AAAA, 0, "", "", ""), dnswire.ErrMismatch},
		{"another class", edit(12+8+3, 3), dnswire.ErrMismatch},
		{"no question", slices.Concat(good[:4], make([]byte, 8)), dnswire.ErrMismatch},
		{"truncated", edit(2, good[2]|2), neterr.DNSServerRequiresTCP},
		{"truncated in a record", slices.Concat(edit(2, good[2]|2)[:len(good)-2]), neterr.DNSServerRequiresTCP},
		{"cut without a word", good[:len(good)-2], neterr.DNSMalformedResponse},
		{"compression loop", slices.Concat(good[:24], []byte{0xc0, 24}, good[24+2:]), neterr.DNSMalformedResponse},
		{"FORMERR", of(miekg.RcodeFormatError, ""), neterr.DNSFormatError},
		{"SERVFAIL", of(miekg.RcodeServerFailure, ""), neterr.DNSServerFailure},
		{"NOTIMP", of(miekg.RcodeNotImplemented, ""), neterr.DNSNotImplemented},
		{"REFUSED", of(miekg.RcodeRefused, ""), neterr.DNSRefused},
		{"NOTAUTH", of(miekg.RcodeNotAuth, ""), neterr.DNSOtherFailure},
		{"an alias of itself", of(0, "h.test. 60 IN CNAME h.test.\n"), neterr.DNSMalformedResponse},
		{"aliases in a circle", of(0, "h.test. 60 IN CNAME b.test.\nb.test. 60 IN CNAME h.test.\n"), neterr.DNSMalformedResponse},
		{"an alias beside the chain", of(0, "b.test. 60 IN CNAME c.test.\nh.test. 60 IN A 192.0.2.1\n"), neterr.DNSMalformedResponse},
		{"two aliases", of(0, "h.test. 60 IN CNAME b.test.\nh.test. 60 IN CNAME c.test.\n"), neterr.DNSMalformedResponse},
		{"addresses of somebody else", of(0, "bank.test. 60 IN A 192.0.2.66\n"), neterr.DNSMalformedResponse},
		{"addresses before the end of the chain", of(0, "h.test. 60 IN CNAME b.test.\nh.test. 60 IN A 192.0.2.66\n"), neterr.DNSMalformedResponse},
		{"addresses of two names", of(0, "h.test. 60 IN A 192.0.2.1\nbank.test. 60 IN A 192.0.2.66\n"), neterr.DNSMalformedResponse},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := dnswire.Parse(c.msg, dnswire.Question{Name: "h.test", Type: dnswire.A}, 7)
			if got != nil || !errors.Is(err, c.want) {
				t.Errorf("got %+v, %v, want %v", got, err, c.want)
			}
		})
	}
}

func TestQuery(t *testing.T) {
	q := dnswire.Question{Name: "www.example.test", Type: dnswire.HTTPS}
	for _, c := range []struct {
		name string
		o    dnswire.QueryOptions
		want string
	}{
		{"plain", dnswire.QueryOptions{ID: 0x1234}, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01" +
			"\x03www\x07example\x04test\x00\x00\x41\x00\x01" + "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"},
		{"multicast", dnswire.QueryOptions{Multicast: true}, "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" +
			"\x03www\x07example\x04test\x00\x00\x41\x80\x01"},
	} {
		b, err := dnswire.AppendQuery([]byte("before"), q, c.o)
		if err != nil || string(b) != "before"+c.want {
			t.Errorf("%s: got %q, %v, want before%q", c.name, b, err, c.want)
		}
	}
	// As Chromium 156 was seen to ask over HTTPS.
	captured := "\x00\x00\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01\x05probe\x04test\x00\x00\x41\x00\x01" +
		"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x59\x00\x0c\x00\x55" + string(make([]byte, 0x55))
	b, err := dnswire.AppendQuery(nil, dnswire.Question{Name: "probe.test", Type: dnswire.HTTPS}, dnswire.QueryOptions{Pad: true})
	if err != nil || string(b) != captured {
		t.Errorf("padded: got %q, %v, want %q", b, err, captured)
	}
	for n := range 60 {
		q.Name = strings.Repeat("x", n+1) + ".test"
		b, err := dnswire.AppendQuery(nil, q, dnswire.QueryOptions{Pad: true})
		if err != nil || len(b)%dnswire.PaddingBlock != 0 {
			t.Errorf("%s: got %d bytes, %v, want whole blocks", q.Name, len(b), err)
		}
	}
	for _, name := range []string{"a..test", strings.Repeat("x", 64) + ".test", strings.Repeat("x.", 130) + "test"} {
		b, err := dnswire.AppendQuery([]byte("before"), dnswire.Question{Name: name, Type: dnswire.A}, dnswire.QueryOptions{})
		if string(b) != "before" || !errors.Is(err, neterr.NameNotResolved) {
			t.Errorf("%s: got %q, %v, want %v", name, b, err, neterr.NameNotResolved)
		}
	}
}

func TestTypeNames(t *testing.T) {
	for typ, want := range map[dnswire.Type]string{dnswire.A: "A", dnswire.HTTPS: "HTTPS", 65432: "TYPE65432"} {
		if got := typ.String(); got != want {
			t.Errorf("%d: got %s, want %s", typ, got, want)
		}
	}
}
