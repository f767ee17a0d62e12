package fuzz_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/hsts"
)

// FuzzHSTSHeader reads any Strict-Transport-Security field; one that is believed says
// the same written plainly, and nothing with a second max-age.
func FuzzHSTSHeader(f *testing.F) {
	f.Add("max-age=31536000; includeSubDomains; preload")
	f.Add("; x=\"a;\\\"b\" ;MAX-AGE = \"0060\"")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := hsts.ParseHeader(s)
		if err != nil {
			return
		}
		if p.MaxAge < 0 || p.MaxAge > 365*24*time.Hour {
			t.Errorf("%q: got %v", s, p.MaxAge)
		}
		plain := fmt.Sprintf("max-age=%d", p.MaxAge/time.Second)
		if p.IncludeSubDomains {
			plain += "; includeSubDomains"
		}
		if again, err := hsts.ParseHeader(plain); err != nil || again != p {
			t.Errorf("%q: %s is read as %+v, %v; want %+v", s, plain, again, err, p)
		}
		if again, err := hsts.ParseHeader(s + "; max-age=1"); err == nil {
			t.Errorf("%q with a second max-age: got %+v", s, again)
		}
	})
}
