package fuzz_test

import (
	"testing"

	"github.com/kaon-net/kaon/dns/dnswire"
)

// FuzzMulticastAnswer: a reader of what neighbours say that takes records of the name
// and type asked for alone.
func FuzzMulticastAnswer(f *testing.F) {
	const (
		head = "\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00"
		name = "\x01h\x05local\x00"
		meta = "\x80\x01\x00\x00\x00\x78" // class IN with cache-flush, 120 s
	)
	f.Add(uint16(dnswire.A), []byte(head+name+"\x00\x01"+meta+"\x00\x04\xc0\x00\x02\x01"))
	f.Add(uint16(dnswire.AAAA), []byte(head+name+"\x00\x2f"+meta+"\x00\x05\xc0\x0c\x00\x01\x40"))
	f.Add(uint16(dnswire.SRV), []byte(head+name+"\x00\x21"+meta+"\x00\x08\x00\x00\x00\x00\x00\x50\xc0\x0c"))
	f.Add(uint16(dnswire.TXT), []byte(head+name+"\x00\x10"+meta+"\x00\x04\x03a=b"))
	f.Add(uint16(dnswire.PTR), []byte(head+name+"\x00\x0c"+meta+"\x00\x02\xc0\x0c"))
	f.Add(uint16(dnswire.A), []byte(head+"\xc0\x0c"))
	f.Fuzz(func(t *testing.T, typ uint16, msg []byte) {
		q := dnswire.Question{Name: "h.local", Type: dnswire.Type(typ)}
		a, err := dnswire.ParseMulticast(msg, q)
		if (a == nil) == (err == nil) {
			t.Fatalf("got %+v and %v, want one of them", a, err)
		}
		if a == nil {
			return
		}
		if a.CanonicalName != "h.local" || a.NameError || !a.Known || a.TTL < 0 {
			t.Errorf("got %+v", a)
		}
		for _, addr := range a.Addrs {
			if !addr.IsValid() || addr.Is4() != (q.Type == dnswire.A) || addr.Zone() != "" {
				t.Errorf("got address %v for a question of type %v", addr, q.Type)
			}
		}
		for typ, n := range map[dnswire.Type]int{
			dnswire.PTR: len(a.Names), dnswire.TXT: len(a.Texts), dnswire.SRV: len(a.Servers), dnswire.HTTPS: len(a.Services),
		} {
			if n > 0 && typ != q.Type {
				t.Errorf("got %+v for a question of type %v", a, q.Type)
			}
		}
	})
}
