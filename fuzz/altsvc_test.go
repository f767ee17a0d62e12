package fuzz_test

import (
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/origin"
)

// FuzzAltSvc: whatever a server says, what is parsed keeps the grammar's limits, and
// what a store makes of it survives being written down.
func FuzzAltSvc(f *testing.F) {
	for _, seed := range []string{
		"clear",
		`h3=":443"; ma=86400, h3-29=":443"; persist=1`,
		`quic=":443"; ma=2592000; v="46,43",h3="alt.test:8443"`,
		`w%3Dx="[2001:db8::1]:1";ma=4294967295;`,
		`h3="a\:\"b:65535" ; x = y`,
		`h3=":0"`, `h3="`, `%=":1"`, `h3="[":1`, `h3=":1";v="`,
	} {
		f.Add(seed)
	}
	o := origin.Origin{Scheme: "https", Host: "a.googlevideo.com", Port: 443}
	now := time.Unix(1e9, 0)
	f.Fuzz(func(t *testing.T, value string) {
		entries, ok := altsvc.Parse(value)
		if !ok && entries != nil {
			t.Errorf("%q is refused and gives %v", value, entries)
		}
		for _, e := range entries {
			if e.Port == 0 || e.MaxAge < time.Second || e.Protocol == "" || len(e.Host) > len(value) {
				t.Errorf("%q gives %+v", value, e)
			}
		}
		s := altsvc.NewStore(altsvc.Config{})
		if s.Learn(o, origin.Key{}, value, now) != ok {
			t.Error("the store judges otherwise")
		}
		found := s.Lookup(nil, o, origin.Key{}, now)
		if len(found) > len(entries) {
			t.Errorf("%d alternatives of %d entries", len(found), len(entries))
		}
		restored := altsvc.NewStore(altsvc.Config{})
		restored.Restore(s.Snapshot(now), now)
		again := restored.Lookup(nil, o, origin.Key{}, now)
		if len(again) != len(found) {
			t.Fatalf("got %v back, want %v", again, found)
		}
		for i := range found {
			if found[i] != again[i] {
				t.Errorf("got %v back, want %v", again[i], found[i])
			}
			s.MarkBroken(found[i].Service, origin.Key{}, now)
		}
		for _, a := range s.Lookup(nil, o, origin.Key{}, now) {
			if !a.Broken {
				t.Errorf("%v is not broken", a)
			}
		}
		if left := s.Lookup(nil, o, origin.Key{}, now.Add(time.Hour)); len(left) > 0 && len(found) > 0 {
			for _, a := range left {
				for _, b := range found {
					if a.Service == b.Service {
						t.Errorf("%v was broken and not withdrawn", a)
					}
				}
			}
		}
	})
}
