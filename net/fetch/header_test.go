package fetch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/net/profile"
)

// linux is the profile of the captures, whatever the tests run on.
func linux() *profile.Profile {
	p := *profile.Chromium156()
	p.Mac, p.Windows = p.Linux, p.Linux
	return &p
}

// What is sent equals what Chromium sent, field by field.
func TestHeadsMatchCapture(t *testing.T) {
	data, err := os.ReadFile("testdata/chromium-156-heads.json")
	if err != nil {
		t.Fatal(err)
	}
	var heads map[string]struct {
		Method, Path string
		Headers      [][2]string
	}
	if err := json.Unmarshal(data, &heads); err != nil {
		t.Fatal(err)
	}
	text := func(name, value string) exchange.Fields { return exchange.Fields{{Name: name, Value: value}} }
	const form = "application/x-www-form-urlencoded"
	// inits say what the page asked for, in the words of fetch.Init. Method, URL,
	// Origin and Referrer come from the capture.
	inits := map[string]fetch.Init{
		"tls/nav":                {Mode: fetch.ModeNavigate, UserActivation: true},
		"tls/iframe-cross.html":  {Mode: fetch.ModeNavigate, Destination: "iframe"},
		"tls/form-iframe":        {Mode: fetch.ModeNavigate, Destination: "iframe", Cache: fetch.CacheNoCache, Header: text("Content-Type", form)},
		"tls/fetch-get.json":     {Mode: fetch.ModeCORS},
		"tls/fetch-post.json":    {Mode: fetch.ModeCORS, Header: text("content-type", "application/json")},
		"tls/fetch-put.json":     {Mode: fetch.ModeCORS, Header: text("Content-Type", "text/plain;charset=UTF-8")},
		"tls/fetch-head.json":    {Mode: fetch.ModeCORS},
		"tls/fetch-nostore.json": {Mode: fetch.ModeCORS, Cache: fetch.CacheNoStore},
		"tls/fetch-reload.json":  {Mode: fetch.ModeCORS, Cache: fetch.CacheReload},
		"tls/fetch-range.bin":    {Mode: fetch.ModeCORS, Header: text("Range", "bytes=0-9")},
		"tls/eventsource":        {Mode: fetch.ModeCORS, Cache: fetch.CacheNoStore, Header: text("Accept", "text/event-stream")},
		"tls/nocors.json":        {Credentials: exchange.SameOrigin},
		"tls/cors-get.json":      {Mode: fetch.ModeCORS, Credentials: exchange.SameOrigin},
		"tls/cors-cred.json":     {Mode: fetch.ModeCORS},
		"tls/img.png":            {Destination: "image"},
		"tls/img-cross.png":      {Destination: "image"},
		"tls/script.js":          {Destination: "script"},
		"tls/style.css":          {Destination: "style"},
		"tls/redirected.html":    {Mode: fetch.ModeCORS},
		"plain/nav":              {Mode: fetch.ModeNavigate, UserActivation: true},
		"plain/fetch-get.json":   {Mode: fetch.ModeCORS},
		"plain/fetch-post.json":  {Mode: fetch.ModeCORS, Header: text("content-type", "application/json")},
		"plain/cors-get.json":    {Mode: fetch.ModeCORS, Credentials: exchange.SameOrigin},
		"plain/img.png":          {Destination: "image"},
		"plain/style.css":        {Destination: "style"},
		"plain/click-same":       {Mode: fetch.ModeNavigate, UserActivation: true},
		"plain/form-post":        {Mode: fetch.ModeNavigate, Cache: fetch.CacheNoCache, Header: text("Content-Type", form)},
	}
	for name, head := range heads {
		t.Run(name, func(t *testing.T) {
			init, ok := inits[name]
			if !ok {
				t.Fatal("no Init for this head")
			}
			scheme := "http"
			page := origin.Origin{Scheme: "http", Host: "probe.test", Port: 80}
			if strings.HasPrefix(name, "tls/") {
				scheme, page = "https", origin.Origin{Scheme: "https", Host: "h1.probe.test", Port: 443}
			}
			if !strings.HasSuffix(name, "/nav") {
				init.Origin = page
			}
			var want []string
			host := ""
			for _, h := range head.Headers {
				switch strings.ToLower(h[0]) {
				case "host":
					host = h[1]
				case "connection", "content-length":
				case "referer":
					init.Referrer = h[1]
					fallthrough
				default:
					want = append(want, h[0]+": "+h[1])
				}
			}
			init.Method = head.Method
			s := &server{}
			if _, err := fetch.New(fetch.Config{Next: s, Profile: linux()}).Fetch(t.Context(), scheme+"://"+host+head.Path, &init); err != nil {
				t.Fatal(err)
			}
			var got []string
			for name, value := range s.hops[0].Header.All() {
				got = append(got, name+": "+value)
			}
			if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
	if len(heads) != len(inits) {
		t.Errorf("got %d heads for %d Inits", len(heads), len(inits))
	}
}

func TestHeader(t *testing.T) {
	page := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	fields := func(list ...string) fetch.Init {
		var f exchange.Fields
		for i := 0; i < len(list); i += 2 {
			f.Add(list[i], list[i+1])
		}
		return fetch.Init{Header: f}
	}
	for _, tt := range []struct {
		name string
		url  string // default https://a.test/
		init fetch.Init
		want map[string]string // empty: not there
	}{
		{"electron's default", "", fetch.Init{}, map[string]string{
			"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-User": "",
			"Referer": "", "Origin": "", "Accept": "*/*", "Cookie": "", "Cache-Control": "", "Pragma": "",
		}},
		{"localhost", "http://localhost:8080/", fetch.Init{}, map[string]string{"Sec-Fetch-Site": "none", "Accept-Encoding": "gzip, deflate, br, zstd", "sec-ch-ua-mobile": "?0"}},
		{"loopback", "http://127.0.0.1/", fetch.Init{}, map[string]string{"Sec-Fetch-Site": "none", "Accept-Encoding": "gzip, deflate, br, zstd"}},
		{"loopback 6", "http://[::1]/", fetch.Init{}, map[string]string{"Sec-Fetch-Site": "none"}},
		{"private address", "http://10.0.0.1/", fetch.Init{}, map[string]string{"Sec-Fetch-Site": "", "Accept-Encoding": "gzip, deflate", "sec-ch-ua": ""}},
		{"range", "", fields("range", "bytes=0-"), map[string]string{"Accept-Encoding": "identity", "Range": "bytes=0-"}},
		{"caller's own", "", fields("user-agent", "x", "ACCEPT", "y", "accept-language", "z", "accept-encoding", "gzip", "sec-ch-ua", "s"), map[string]string{
			"User-Agent": "x", "Accept": "y", "Accept-Language": "z", "Accept-Encoding": "gzip", "sec-ch-ua": "s",
		}},
		{"metadata fields", "", fields("Referer", "https://a.test/p", "Origin", "https://a.test", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Sec-Fetch-User", "?1", "Sec-Fetch-Site", "none"), map[string]string{
			"Referer": "https://a.test/p", "Origin": "", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-User": "?1", "Sec-Fetch-Site": "same-origin", "Upgrade-Insecure-Requests": "1",
		}},
		{"caller's cache control", "", fetch.Init{Cache: fetch.CacheReload, Header: exchange.Fields{{Name: "cache-control", Value: "max-age=5"}}}, map[string]string{"Cache-Control": "max-age=5", "Pragma": "no-cache"}},
		{"no-cache", "", fetch.Init{Cache: fetch.CacheNoCache}, map[string]string{"Cache-Control": "max-age=0", "Pragma": ""}},
		{"force-cache", "", fetch.Init{Cache: fetch.CacheForceCache}, map[string]string{"Cache-Control": "", "Pragma": ""}},
		{"cookies blocked, cookie set", "", fetch.Init{Credentials: exchange.Omit, Header: exchange.Fields{{Name: "Cookie", Value: "a=b"}}}, map[string]string{"Cookie": "a=b"}},
		{"origin of a get", "", fetch.Init{Origin: page}, map[string]string{"Origin": "", "Sec-Fetch-Site": "same-origin"}},
		{"origin of a post", "https://b.test/", fetch.Init{Origin: page, Method: "POST"}, map[string]string{"Origin": "https://a.test", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Storage-Access": "none"}},
		{"origin of cors", "https://b.test/", fetch.Init{Origin: page, Mode: fetch.ModeCORS}, map[string]string{"Origin": "https://a.test"}},
		{"origin of cors at home", "", fetch.Init{Origin: page, Mode: fetch.ModeCORS}, map[string]string{"Origin": ""}},
		{"cors of nobody", "", fetch.Init{Mode: fetch.ModeCORS}, map[string]string{"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "none", "Origin": ""}},
		{"referrer with user and fragment", "", fetch.Init{Referrer: "https://u:p@a.test/@x?q#f"}, map[string]string{"Referer": "https://a.test/@x?q"}},
		{"long referrer", "", fetch.Init{Referrer: "https://a.test/" + strings.Repeat("a", 5000)}, map[string]string{"Referer": "https://a.test/"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.url == "" {
				tt.url = "https://a.test/"
			}
			s := &server{}
			if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), tt.url, &tt.init); err != nil {
				t.Fatal(err)
			}
			h := s.hops[0].Header
			for name, want := range tt.want {
				n := 0
				for range h.Values(name) {
					n++
				}
				if got := h.Get(name); got != want || n > 1 || want == "" && n > 0 {
					t.Errorf("%s: got %q (%d of it), want %q", name, got, n, want)
				}
			}
		})
	}
}

func TestCallerOrder(t *testing.T) {
	s := &server{}
	init := &fetch.Init{Header: exchange.Fields{{Name: "X-B", Value: "1"}, {Name: "x-a", Value: "2"}, {Name: "X-B", Value: "3"}}}
	if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), "https://a.test/", init); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, value := range s.hops[0].Header.All() {
		if strings.HasPrefix(strings.ToLower(name), "x-") {
			got = append(got, name+value)
		}
	}
	if want := "[X-B1 x-a2 X-B3]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if len(init.Header) != 3 {
		t.Errorf("the caller's Init was changed: %v", init.Header)
	}
}

func TestSetUserAgent(t *testing.T) {
	s := &server{}
	f := fetch.New(fetch.Config{Next: s, UserAgent: "one", AcceptLanguages: "en-US,fr,de"})
	get := func() (ua, lang string) {
		t.Helper()
		s.hops = nil
		if _, err := f.Fetch(t.Context(), "https://a.test/", nil); err != nil {
			t.Fatal(err)
		}
		h := s.hops[0].Header
		return h.Get("User-Agent"), h.Get("Accept-Language")
	}
	if ua, lang := get(); ua != "one" || lang != "en-US,fr;q=0.9,de;q=0.8" {
		t.Errorf("got %q, %q", ua, lang)
	}
	f.SetUserAgent("two", " sv , fi,")
	if ua, lang := get(); ua != "two" || lang != "sv,fi;q=0.9" || f.UserAgent() != "two" {
		t.Errorf("got %q, %q, %q", ua, lang, f.UserAgent())
	}
	f.SetUserAgent("", "")
	if ua, lang := get(); !strings.Contains(ua, "Chrome/156.0.0.0") || lang != "sv,fi;q=0.9" {
		t.Errorf("got %q, %q; want the profile's User-Agent, the languages as they were", ua, lang)
	}
}

func TestReferrerPolicy(t *testing.T) {
	const page, short = "https://a.test/p?q", "https://a.test/"
	for _, tt := range []struct {
		policy                 fetch.ReferrerPolicy
		same, cross, downgrade string
	}{
		{fetch.StrictOriginWhenCrossOrigin, page, short, ""},
		{fetch.NoReferrer, "", "", ""},
		{fetch.NoReferrerWhenDowngrade, page, page, ""},
		{fetch.SameOriginReferrer, page, "", ""},
		{fetch.OriginOnly, short, short, short},
		{fetch.StrictOrigin, short, short, ""},
		{fetch.OriginWhenCrossOrigin, page, short, short},
		{fetch.UnsafeURL, page, page, page},
	} {
		for url, want := range map[string]string{"https://a.test/": tt.same, "https://b.test/": tt.cross, "http://b.test/": tt.downgrade} {
			s := &server{}
			if _, err := fetch.New(fetch.Config{Next: s}).Fetch(t.Context(), url, &fetch.Init{Referrer: page, ReferrerPolicy: tt.policy}); err != nil {
				t.Fatal(err)
			}
			if got := s.hops[0].Header.Get("Referer"); got != want {
				t.Errorf("%v to %s: got %q, want %q", tt.policy, url, got, want)
			}
		}
		if p, ok := fetch.ParseReferrerPolicy(strings.ToUpper(tt.policy.String())); !ok || p != tt.policy {
			t.Errorf("parsing %q: got %v, %t", tt.policy, p, ok)
		}
	}
	if _, ok := fetch.ParseReferrerPolicy("what"); ok {
		t.Error("an unknown policy was parsed")
	}
}
