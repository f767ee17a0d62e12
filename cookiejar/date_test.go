package cookiejar_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"testing"

	"github.com/kaon-net/kaon/cookiejar"
)

func TestParseDateConformance(t *testing.T) {
	for _, file := range []string{"testdata/dates/http-state.json", "testdata/dates/http-state-bsd.json"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		data = regexp.MustCompile(`(?m)^//.*$`).ReplaceAll(data, nil)
		var cases []struct {
			Test     string
			Expected *string
		}
		if err := json.Unmarshal(data, &cases); err != nil || len(cases) == 0 {
			t.Fatalf("%s: %d cases, %v", file, len(cases), err)
		}
		for _, c := range cases {
			if c.Test == "Thu, 12-Aug-31841 20:49:07 GMT" {
				continue // RFC 6265 knows years of four digits only, Chromium of five
			}
			got, ok := cookiejar.ParseDate(c.Test)
			switch {
			case ok != (c.Expected != nil):
				t.Errorf("%s: %q: got %v, %v", file, c.Test, got, ok)
			case ok && got.Format(http.TimeFormat) != *c.Expected:
				t.Errorf("%s: %q: got %v, want %s", file, c.Test, got.Format(http.TimeFormat), *c.Expected)
			}
		}
	}
}

func TestParseDate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{"Sat, 15-Apr-17 21:01:22 GMT", "Sat, 15 Apr 2017 21:01:22 GMT"},
		{"2017 15 april 21:01:22", "Sat, 15 Apr 2017 21:01:22 GMT"},
		{"17 15 april 21:01:22", "Fri, 17 Apr 2015 21:01:22 GMT"}, // of two short numbers the first is the day
		{"15 2017 april 21:01:22", "Sat, 15 Apr 2017 21:01:22 GMT"},
		{"15 17 APRIL 1:2:3", "Sat, 15 Apr 2017 01:02:03 GMT"},
		{"15 apr 69 00:00:00", "Mon, 15 Apr 2069 00:00:00 GMT"},
		{"15 apr 70 00:00:00", "Wed, 15 Apr 1970 00:00:00 GMT"},
		{"15 apr 99 00:00:00", "Thu, 15 Apr 1999 00:00:00 GMT"},
		{"15 apr 100 00:00:00", "Thu, 15 Apr 0100 00:00:00 GMT"},
		{"01 jan 1601 00:00:00", "Mon, 01 Jan 1601 00:00:00 GMT"},
		{"31 dec 9999 23:59:59", "Fri, 31 Dec 9999 23:59:59 GMT"},
		{"31 dec 99999 23:59:59", "Fri, 31 Dec 99999 23:59:59 GMT"},
		{"31 dec 100000 23:59:59", ""},
		{"29 feb 2020 00:00:00", "Sat, 29 Feb 2020 00:00:00 GMT"},
		{"29 feb 2021 00:00:00", ""},
		{"31 apr 2021 00:00:00", ""},
		{"0 apr 2021 00:00:00", ""},
		{"32 apr 2021 00:00:00", ""},
		{"15 apr 2017 24:00:00", ""},
		{"15 apr 2017 23:60:00", ""},
		{"15 apr 2017 23:59:60", ""},
		{"15 apr 2017 23:59", ""},
		{"15 apr 2017 23:59:", ""},
		{"15 apr 2017 123:59:00", ""},
		{"15 apr 2017 23:59:599", "Sat, 15 Apr 2017 23:59:59 GMT"},
		{"15 apr 2017 1:1:1 2:2:2", "Sat, 15 Apr 2017 01:01:01 GMT"},
		{"15 apr 2017 1:x:1 2:2:2", "Sat, 15 Apr 2017 02:02:02 GMT"},
		{"15 apr may 2017 1:1:1", "Sat, 15 Apr 2017 01:01:01 GMT"},
		{"15 ap 2017 1:1:1", ""},
		{"apr 2017 1:1:1", ""},
		{"15 apr 1:1:1", ""},
		{"15 2017 1:1:1", ""},
		{`"Sat, 15-Apr-2017 21:01:22 +0200"`, "Sat, 15 Apr 2017 21:01:22 GMT"},
		{"15\tapr(2017)[21:01:22]", "Sat, 15 Apr 2017 21:01:22 GMT"},
		{"15\x01apr 2017 21:01:22", ""},
		{"15 \xffapr 2017 21:01:22", ""},
	}
	for _, tt := range tests {
		got, ok := cookiejar.ParseDate(tt.in)
		if ok != (tt.want != "") || ok && got.Format(http.TimeFormat) != tt.want {
			t.Errorf("ParseDate(%q) = %s, %v; want %q", tt.in, got.Format(http.TimeFormat), ok, tt.want)
		}
	}
}
