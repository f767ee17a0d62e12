package cookiejar_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cookiejar"
)

func TestParseLine(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	tests := []struct {
		name, in string
		want     cookiejar.Line
		refused  cookiejar.Reason // 0: accepted
	}{
		{"plain", "a=b", cookiejar.Line{Name: "a", Value: "b"}, 0},
		{"blanks", " \t a \t= b c\t ; \t", cookiejar.Line{Name: "a", Value: "b c"}, 0},
		{"empty value", "a=", cookiejar.Line{Name: "a"}, 0},
		{"nameless", "b", cookiejar.Line{Value: "b"}, 0},
		{"nameless with sign", "=b", cookiejar.Line{Value: "b"}, 0},
		{"nameless with two signs", "=b=c", cookiejar.Line{}, cookiejar.ReasonFailureToStore},
		{"signs only", "==", cookiejar.Line{}, cookiejar.ReasonFailureToStore},
		{"sign in value", "a=b=c==", cookiejar.Line{Name: "a", Value: "b=c=="}, 0},
		{"quotes stay", `a="b c"`, cookiejar.Line{Name: "a", Value: `"b c"`}, 0},
		{"semicolon in quotes", `a="b;c"`, cookiejar.Line{Name: "a", Value: `"b`}, 0},
		{"empty", "", cookiejar.Line{}, cookiejar.ReasonNoContent},
		{"sign alone", "=", cookiejar.Line{}, cookiejar.ReasonNoContent},
		{"blank", " ; Secure", cookiejar.Line{}, cookiejar.ReasonNoContent},
		{"no pair", "; a=b", cookiejar.Line{}, cookiejar.ReasonNoContent},
		{"commas", "a,b=c,d", cookiejar.Line{Name: "a,b", Value: "c,d"}, 0},
		{"bytes beyond ASCII", "\xe4=\xff", cookiejar.Line{Name: "\xe4", Value: "\xff"}, 0},
		{"NUL", "a=b\x00c", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"CR", "a=b\rc", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"LF at the end", "a=b\n", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"control", "a=\x1f", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"DEL", "a=\x7f", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"control in attribute", "a=b; Path=/\x01", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"control in unknown attribute", "a=b; \x02", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"tab in name", "a\tb=c", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"tab in value", "a=b\tc", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"tab in attribute", "a=b; Path=/x\ty", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"tab in attribute name", "a=b; Pa\tth=/", cookiejar.Line{}, cookiejar.ReasonCharacter},
		{"largest pair", "a=" + long(4095), cookiejar.Line{Name: "a", Value: long(4095)}, 0},
		{"too large", "a=" + long(4096), cookiejar.Line{}, cookiejar.ReasonPairTooLarge},
		{"name too large", long(4097) + "=", cookiejar.Line{}, cookiejar.ReasonPairTooLarge},
		{"nameless too large", long(4097), cookiejar.Line{}, cookiejar.ReasonPairTooLarge},
		{"megabyte", long(1 << 20), cookiejar.Line{}, cookiejar.ReasonPairTooLarge},
		{"largest attribute", "a=b; path=/" + long(1023), cookiejar.Line{Name: "a", Value: "b", Path: "/" + long(1023)}, 0},
		{"attribute too large", "a=b; path=/" + long(1024), cookiejar.Line{Name: "a", Value: "b"}, 0},
		{"too large leaves the one before", "a=b; path=/x; path=/" + long(1024), cookiejar.Line{Name: "a", Value: "b", Path: "/x"}, 0},
		{
			"all", "a=b; Domain=x.test; Path=/p; Expires=E; Max-Age=3; Secure; HttpOnly; Partitioned; SameSite=Lax; Priority=High",
			cookiejar.Line{
				Name: "a", Value: "b", Domain: "x.test", Path: "/p", Expires: "E", MaxAge: "3", Secure: true, HTTPOnly: true,
				Partitioned: true, SameSite: cookiejar.Lax, Priority: cookiejar.High,
			},
			0,
		},
		{"case", "a=b;SECURE;hTTPoNLY;PATH=/P;sAMEsITE=sTRICT", cookiejar.Line{Name: "a", Value: "b", Path: "/P", Secure: true, HTTPOnly: true, SameSite: cookiejar.Strict}, 0},
		{"flags with values", "a=b; Secure=false; HttpOnly=0; Partitioned=no", cookiejar.Line{Name: "a", Value: "b", Secure: true, HTTPOnly: true, Partitioned: true}, 0},
		{"last counts", "a=b; Path=/1; Path=/2; Domain=x; Domain=; SameSite=Lax; SameSite=None", cookiejar.Line{Name: "a", Value: "b", Path: "/2", SameSite: cookiejar.None}, 0},
		{"unknown SameSite", "a=b; SameSite=Lax; SameSite=maybe", cookiejar.Line{Name: "a", Value: "b"}, 0},
		{"unknown priority", "a=b; Priority=Low; Priority=urgent", cookiejar.Line{Name: "a", Value: "b"}, 0},
		{"low priority", "a=b; priority=LOW", cookiejar.Line{Name: "a", Value: "b", Priority: cookiejar.Low}, 0},
		{"unknown attributes", "a=b; Version=1; ; =x; foo", cookiejar.Line{Name: "a", Value: "b"}, 0},
		{"letters that fold into ASCII", "a=b; \u017fecure; Dom\u0130ain=x", cookiejar.Line{Name: "a", Value: "b"}, 0},
		{"sign in attribute", "a=b; Path=/x=y", cookiejar.Line{Name: "a", Value: "b", Path: "/x=y"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := cookiejar.ParseLine(tt.in)
			if tt.refused != 0 {
				if !errors.Is(err, tt.refused) {
					t.Errorf("got %+v, %v; want %v", got, err, tt.refused)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if again, err := cookiejar.ParseLine(got.String()); err != nil || again != got {
				t.Errorf("%q: got %+v, %v; want %+v", got.String(), again, err, got)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	_, err := cookiejar.ParseLine("a\tb=" + strings.Repeat("x", 5000))
	var refused cookiejar.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("got %v", err)
	}
	if got, want := refused.String(), "EXCLUDE_NAME_VALUE_PAIR_EXCEEDS_MAX_SIZE, EXCLUDE_DISALLOWED_CHARACTER"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := err.Error(), "cookie refused: name and value are too large; a character that is not allowed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for r := range refused.Reasons() {
		if r != cookiejar.ReasonPairTooLarge {
			t.Errorf("got %v first", r)
		}
		break
	}
	if errors.Is(err, cookiejar.ReasonNoContent) || errors.Is(err, cookiejar.Reason(99)) {
		t.Error("a reason that does not hold is found")
	}
	if got := cookiejar.Refused(0).String(); got != "INCLUDE" {
		t.Errorf("got %s, want INCLUDE", got)
	}
	if r := cookiejar.Reason(99); r.String() != "EXCLUDE_UNKNOWN_ERROR" || r.Error() != "unknown reason" {
		t.Errorf("got %v, %s", r.String(), r.Error())
	}
}

func TestWords(t *testing.T) {
	for _, word := range []string{"unspecified", "no_restriction", "lax", "strict"} {
		if s, err := cookiejar.ParseSameSite(word); err != nil || s.String() != word {
			t.Errorf("%s: got %v, %v", word, s, err)
		}
	}
	if _, err := cookiejar.ParseSameSite("garbage"); err == nil || err.Error() != `failed to convert "garbage" to an appropriate cookie same site value` {
		t.Errorf("got %v", err)
	}
	for _, tt := range []struct{ got, want string }{
		{cookiejar.SameSite(9).String(), "(9)"},
		{cookiejar.SourceNonSecure.String(), "non-secure"},
		{cookiejar.High.String(), "high"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s, want %s", tt.got, tt.want)
		}
	}
}
