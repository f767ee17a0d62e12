package dnswire_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
)

// announcement packs what a neighbour says, with the cache-flush bit as it is usual.
func announcement(t *testing.T, answer, additional string) *miekg.Msg {
	t.Helper()
	m := &miekg.Msg{Answer: records(t, answer), Extra: records(t, additional)}
	m.Response, m.Authoritative = true, true
	for _, rr := range m.Answer {
		rr.Header().Class |= 1 << 15
	}
	return m
}

func TestMulticastAnswers(t *testing.T) {
	for _, c := range []struct {
		name               string
		typ                dnswire.Type
		answer, additional string
		want               dnswire.Answer
	}{
		{
			name: "addresses", typ: dnswire.A, answer: "H.local. 120 IN A 192.0.2.1\nh.local. 10 IN A 192.0.2.2\n",
			want: dnswire.Answer{Addrs: addrs("192.0.2.1", "192.0.2.2"), CanonicalName: "h.local", TTL: 10 * time.Second, Known: true},
		},
		{
			name: "among others", typ: dnswire.AAAA,
			answer:     "other.local. 120 IN AAAA 2001:db8::66\nh.local. 120 IN A 192.0.2.1\n",
			additional: "h.local. 120 IN AAAA 2001:db8::1\n",
			want:       dnswire.Answer{Addrs: addrs("2001:db8::1"), CanonicalName: "h.local", TTL: 2 * time.Minute, Known: true},
		},
		{
			name: "one taken back", typ: dnswire.A, answer: "h.local. 0 IN A 192.0.2.1\nh.local. 9 IN A 192.0.2.2\n",
			want: dnswire.Answer{Addrs: addrs("192.0.2.2"), CanonicalName: "h.local", TTL: 9 * time.Second, Known: true},
		},
		{
			name: "only others exist", typ: dnswire.AAAA, answer: "h.local. 120 IN NSEC h.local. A\n",
			want: dnswire.Answer{CanonicalName: "h.local", TTL: 2 * time.Minute, Known: true},
		},
		{
			name: "only this exists", typ: dnswire.A, answer: "h.local. 120 IN A 192.0.2.1\n", additional: "h.local. 120 IN NSEC h.local. A\n",
			want: dnswire.Answer{Addrs: addrs("192.0.2.1"), CanonicalName: "h.local", TTL: 2 * time.Minute, Known: true},
		},
		{
			name: "names", typ: dnswire.PTR, answer: "h.local. 120 IN PTR a.h.local.\n",
			want: dnswire.Answer{Names: []string{"a.h.local"}, CanonicalName: "h.local", TTL: 2 * time.Minute, Known: true},
		},
		{
			name: "texts", typ: dnswire.TXT, answer: `h.local. 120 IN TXT "a" "b"` + "\n",
			want: dnswire.Answer{Texts: [][]string{{"a", "b"}}, CanonicalName: "h.local", TTL: 2 * time.Minute, Known: true},
		},
		{
			name: "servers", typ: dnswire.SRV, answer: "h.local. 120 IN SRV 0 0 80 a.local.\n",
			want: dnswire.Answer{Servers: []dnswire.Server{{0, 0, 80, "a.local"}}, CanonicalName: "h.local", TTL: 2 * time.Minute, Known: true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := announcement(t, c.answer, c.additional).Pack()
			if err != nil {
				t.Fatal(err)
			}
			got, err := dnswire.ParseMulticast(b, dnswire.Question{Name: "h.Local", Type: c.typ})
			if err != nil || !reflect.DeepEqual(*got, c.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

func TestBadMulticastAnswers(t *testing.T) {
	const right = "h.local. 120 IN A 192.0.2.1\n"
	for _, c := range []struct {
		name   string
		answer string
		edit   func(*miekg.Msg)
		cut    int // bytes missing at the end
		want   error
	}{
		{"nothing in it", "", nil, 0, dnswire.ErrMismatch},
		{"another name", "i.local. 120 IN A 192.0.2.1\n", nil, 0, dnswire.ErrMismatch},
		{"another type", "h.local. 120 IN AAAA 2001:db8::1\n", nil, 0, dnswire.ErrMismatch},
		{"this type exists", "h.local. 120 IN NSEC h.local. A AAAA\n", nil, 0, dnswire.ErrMismatch},
		{"taken back", "h.local. 0 IN A 192.0.2.1\n", nil, 0, dnswire.ErrMismatch},
		{"another class", "h.local. 120 CH A 192.0.2.1\n", nil, 0, dnswire.ErrMismatch},
		{"a question", right, func(m *miekg.Msg) { m.Response = false }, 0, dnswire.ErrMismatch},
		{"a failure", right, func(m *miekg.Msg) { m.Rcode = miekg.RcodeServerFailure }, 0, dnswire.ErrMismatch},
		{"an update", right, func(m *miekg.Msg) { m.Opcode = miekg.OpcodeUpdate }, 0, dnswire.ErrMismatch},
		{"in authority", "", func(m *miekg.Msg) { m.Ns = records(t, right) }, 0, dnswire.ErrMismatch},
		{"cut", right, nil, 2, neterr.DNSMalformedResponse},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := announcement(t, c.answer, "")
			if c.edit != nil {
				c.edit(m)
			}
			b, err := m.Pack()
			if err != nil {
				t.Fatal(err)
			}
			got, err := dnswire.ParseMulticast(b[:len(b)-c.cut], dnswire.Question{Name: "h.local", Type: dnswire.A})
			if got != nil || !errors.Is(err, c.want) {
				t.Errorf("got %+v, %v, want %v", got, err, c.want)
			}
		})
	}
}
