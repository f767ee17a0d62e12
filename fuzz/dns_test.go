package fuzz_test

import (
	"testing"

	"github.com/kaon-net/kaon/dns/dnswire"
)

// FuzzDNSAnswer: a reader of answers that takes records of the name asked for alone.
func FuzzDNSAnswer(f *testing.F) {
	question := dnswire.Question{Name: "h.test", Type: dnswire.A}
	msg, err := dnswire.AppendQuery(nil, question, dnswire.QueryOptions{ID: 7})
	if err != nil {
		f.Fatal(err)
	}
	msg[2] = 0x81
	f.Add(uint16(dnswire.A), msg)
	head := "\x00\x07\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00\x01h\x04test\x00"
	f.Add(uint16(dnswire.A), []byte(head+"\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"))
	f.Add(uint16(dnswire.A), []byte(head+"\x00\x01\x00\x01\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x3c\x00\x02\xc0\x0c"))
	f.Add(uint16(dnswire.HTTPS), []byte(head+"\x00\x41\x00\x01\xc0\x0c\x00\x41\x00\x01\x00\x00\x00\x3c\x00\x0a\x00\x01\x00\x00\x01\x00\x03\x02h2"))
	f.Fuzz(func(t *testing.T, typ uint16, msg []byte) {
		q := dnswire.Question{Name: "h.test", Type: dnswire.Type(typ)}
		a, err := dnswire.Parse(msg, q, 7)
		if (a == nil) == (err == nil) {
			t.Fatalf("got %+v and %v, want one of them", a, err)
		}
		if a == nil {
			return
		}
		if a.CanonicalName == "" || a.TTL < 0 || a.TTL > 0 && !a.Known {
			t.Errorf("got %+v", a)
		}
		for _, addr := range a.Addrs {
			if !addr.IsValid() || addr.Is4() != (q.Type == dnswire.A) {
				t.Errorf("got address %v for a question of type %v", addr, q.Type)
			}
		}
	})
}
