package altsvc_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/altsvc"
)

func TestParse(t *testing.T) {
	const day = altsvc.DefaultMaxAge
	type entries = []altsvc.Entry
	tests := []struct {
		name, value string
		want        entries
	}{
		{"clear", "clear", nil},
		{"one", `h3=":443"`, entries{{"h3", "", 443, day}}},
		{"host", `h3="alt.test:8443"`, entries{{"h3", "alt.test", 8443, day}}},
		{"address", `h3="[2001:db8::1]:443"`, entries{{"h3", "2001:db8::1", 443, day}}},
		{"escapes", `h3="a\l\"t:443"`, entries{{"h3", `al"t`, 443, day}}},
		{"escaped colon", `h3="a\:1:443"`, entries{{"h3", "a:1", 443, day}}},
		{"percent", `w%3Dx%3ay%25="a:1"`, entries{{"w=x:y%", "a", 1, day}}},
		{"clear among others", `clear, h3=":1"`, entries{{"clear, h3", "", 1, day}}},
		{"two", `h3=":443"; ma=60,h2="a:80"`, entries{{"h3", "", 443, time.Minute}, {"h2", "a", 80, day}}},
		{"empty elements", `h3=":1" , ,	h2=":2" ,`, entries{{"h3", "", 1, day}, {"h2", "", 2, day}}},
		{"persist", `h3=":1"; persist=1; ma=7`, entries{{"h3", "", 1, 7 * time.Second}}},
		{"spaces", `h3=":1" ;	MA = 7 ; x=y`, entries{{"h3", "", 1, 7 * time.Second}}},
		{"final semicolon", `h3=":1"; ma=7 ; `, entries{{"h3", "", 1, 7 * time.Second}}},
		{"last ma counts", `h3=":1";ma=7;ma=8`, entries{{"h3", "", 1, 8 * time.Second}}},
		{"largest ma", `h3=":1";ma=4294967295`, entries{{"h3", "", 1, 4294967295 * time.Second}}},
		{"versions", `quic=":443"; ma=5; v="46,43",h3=":443"`, entries{{"quic", "", 443, 5 * time.Second}, {"h3", "", 443, day}}},
		{"empty versions", `quic=":443"; v=""`, entries{{"quic", "", 443, day}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := altsvc.Parse(tt.value)
			if !ok || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %v %v, want %v", got, ok, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"nothing":                    "",
		"no protocol":                `=":443"`,
		"no authority":               `h3`,
		"empty authority":            `h3=""`,
		"not quoted":                 `h3=:443`,
		"quote is open":              `h3=":443`,
		"escape at the end":          `h3=":443\`,
		"no port":                    `h3="alt.test"`,
		"no port, escape":            `h3="alt.test\"`,
		"empty port":                 `h3="alt.test:"`,
		"port 0":                     `h3=":0"`,
		"port too large":             `h3=":65536"`,
		"port with a sign":           `h3=":+1"`,
		"bracket is open":            `h3="[::1:443"`,
		"quote in brackets":          `h3="[:\":1]:443"`,
		"no port after brackets":     `h3="[::1]"`,
		"percent cut short":          `h%3=":1"`,
		"percent without digits":     `h%g3=":1"`,
		"percent with one digit":     `h%3g=":1"`,
		"ma 0":                       `h3=":1";ma=0`,
		"ma without a value":         `h3=":1";ma=`,
		"ma too large":               `h3=":1";ma=4294967296`,
		"ma no number":               `h3=":1";ma=1d`,
		"ma quoted":                  `h3=":1";ma="1"`,
		"parameter without a value":  `h3=":1";persist`,
		"words after the authority":  `h3=":1" x`,
		"words after a parameter":    `h3=":1"; ma=1 x`,
		"versions not quoted":        `quic=":1"; v=46`,
		"versions open":              `quic=":1"; v="46`,
		"versions with a last comma": `quic=":1"; v="46,"`,
		"version 0":                  `quic=":1"; v="0"`,
		"second entry is bad":        `h3=":1", h2`,
	} {
		if got, ok := altsvc.Parse(value); ok {
			t.Errorf("%s: %q gives %v", name, value, got)
		}
	}
}
