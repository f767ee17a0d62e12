package cookiejar_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/origin"
)

func TestReadNetscape(t *testing.T) {
	const good = "example.com\tFALSE\t/\tFALSE\t0\ta\t1"
	tests := []struct{ name, in, want string }{
		{"as curl writes", "# Netscape HTTP Cookie File\n\n.example.com\tTRUE\t/x\tTRUE\t4102444800\ta\t1\n", "a=1 .example.com/x secure until 2100-01-01T00:00:00"},
		{"host alone", good, "a=1 example.com/"},
		{"HttpOnly", "#HttpOnly_.example.com\tTRUE\t/\tFALSE\t0\ta\t1", "a=1 .example.com/ http-only"},
		{"mark and CRLF", "\ufeff# x\r\n" + good + "\r\n", "a=1 example.com/"},
		{"no dot but subdomains", "Example.COM\ttrue\t/\tfalse\t0\ta\t1", "a=1 .example.com/"},
		{"fraction", "example.com\tFALSE\t/\tFALSE\t4102444800.75\ta\t1", "a=1 example.com/ until 2100-01-01T00:00:00"},
		{"empty time", "example.com\tFALSE\t/\tFALSE\t\ta\t1", "a=1 example.com/"},
		{"empty value", "example.com\tFALSE\t/\tFALSE\t0\ta\t", "a= example.com/"},
		{"value left away", "example.com\tFALSE\t/\tFALSE\t0\ta", "a= example.com/"},
		{"no name", "example.com\tFALSE\t/\tFALSE\t0\t\tv", "=v example.com/"},
		{"prefix", "example.com\tFALSE\t/\tTRUE\t0\t__Host-a\t1", "__Host-a=1 example.com/ secure"},
		{"address", "127.0.0.1\tFALSE\t/\tFALSE\t0\ta\t1", "a=1 127.0.0.1/"},
		{"over", "example.com\tFALSE\t/\tFALSE\t-1\ta\t1", "a=1 example.com/ until 1969-12-31T23:59:59"},
		{"nothing", "", ""},
		{"comments", "#\n# a\tb\n \t \n", ""},

		{"few fields", good + "\nexample.com\tFALSE\t/", "line 2: 3 fields, want 7 with tabs between them"},
		{"blanks for tabs", "example.com FALSE / FALSE 0 a 1", "line 1: 1 fields, want 7 with tabs between them"},
		{"tab in value", good + "\tx", "line 1: 8 fields, want 7 with tabs between them"},
		{"subdomains", "example.com\tyes\t/\tFALSE\t0\ta\t1", "line 1: includes subdomains is neither TRUE nor FALSE"},
		{"secure", "example.com\tTRUE\t/\t1\t0\ta\t1", "line 1: secure is neither TRUE nor FALSE"},
		{"time", "\n\nexample.com\tTRUE\t/\tTRUE\ttomorrow\ta\t1", "line 3: the time of expiry is not a number of seconds"},
		{"huge time", "example.com\tTRUE\t/\tTRUE\t99999999999999\ta\t1", "line 1: the time of expiry is not a number of seconds"},
		{"odd fraction", "example.com\tTRUE\t/\tTRUE\t1.x\ta\t1", "line 1: the time of expiry is not a number of seconds"},
		{"public suffix", ".co.uk\tTRUE\t/\tFALSE\t0\ta\t1", "line 1: cookie refused: invalid domain"},
		{"address with subdomains", "127.0.0.1\tTRUE\t/\tFALSE\t0\ta\t1", "line 1: cookie refused: invalid domain"},
		{"no domain", "\tTRUE\t/\tFALSE\t0\ta\t1", "line 1: cookie refused: invalid domain"},
		{"path", "example.com\tTRUE\tx\tFALSE\t0\ta\t1", "line 1: cookie refused: malformed"},
		{"control character", "example.com\tTRUE\t/\tFALSE\t0\ta\x00\t1", "line 1: cookie refused: a character that is not allowed"},
		{"semicolon", "example.com\tTRUE\t/\tFALSE\t0\ta\t1;2", "line 1: cookie refused: a character that is not allowed"},
		{"sign in name", "example.com\tTRUE\t/\tFALSE\t0\ta=b\t1", "line 1: cookie refused: a character that is not allowed"},
		{"no content", "example.com\tTRUE\t/\tFALSE\t0\t\t", "line 1: cookie refused: neither name nor value"},
		{"too large", "example.com\tTRUE\t/\tFALSE\t0\ta\t" + strings.Repeat("x", 4096), "line 1: cookie refused: name and value are too large"},
		{"prefix not kept", "example.com\tTRUE\t/\tTRUE\t0\t__Host-a\t1", "line 1: cookie refused: the name's prefix promises more than the attributes keep"},
		{"long line", good + "\n" + strings.Repeat("x", 1<<20), "line 2: longer than 65536 bytes"},
		{"too many", strings.Repeat(good+"\n", 100_001), "line 100001: more than 100000 cookies"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cookies, err := cookiejar.ReadNetscape(strings.NewReader(tt.in))
			var got string
			switch {
			case err != nil:
				got, _ = strings.CutPrefix(err.Error(), "cookies.txt: ")
			case len(cookies) > 0:
				got = show(cookies[0])
			}
			if got != tt.want || err != nil && cookies != nil {
				t.Errorf("got %q with %d cookies, want %q", got, len(cookies), tt.want)
			}
		})
	}
	broken := errors.New("broken")
	if _, err := cookiejar.ReadNetscape(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if _, err := cookiejar.ReadJSON(failing{broken}); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestReadJSON(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"Electron's", `[{"name":"a","value":"1","domain":".example.com","hostOnly":false,"path":"/x","secure":true,"httpOnly":true,"session":false,"expirationDate":4102444800.5,"sameSite":"no_restriction"}]`, "a=1 .example.com/x secure http-only no_restriction until 2100-01-01T00:00:00"},
		{"the least", `[{"value":"1","domain":"example.com"}]`, "=1 example.com/"},
		{"an add-on's", `[{"storeId":"0","id":1,"name":"a","value":"1","domain":"EXAMPLE.com","session":true,"expirationDate":1,"sameSite":"lax"}]`, "a=1 example.com/ lax"},
		{"partition", `[{"name":"a","domain":"x.test","secure":true,"partitionKey":{"topLevelSite":"https://www.page.test","hasCrossSiteAncestor":true}}]`, "a= x.test/ secure [https://page.test null]"},
		{"priority", `[{"name":"a","domain":"x.test","priority":"high"}]`, "a= x.test/ high"},
		{"none", "[]", ""},

		{"empty", "", "line 1: not one JSON array of cookies"},
		{"object", "{}", "line 1: not one JSON array of cookies"},
		{"twice", "[]\n[]", "line 2: not one JSON array of cookies"},
		{"cut", "[\n", "line 1: not one JSON array of cookies"},
		{"syntax", "[\n{\"name\": secret}]", "line 2: malformed JSON"},
		{"cut cookie", "[{", "line 1: malformed JSON"},
		{"type", "[\n{\"domain\":\"a.test\",\n\"secure\":\"secret\"}]", "line 3: secure is not of type bool"},
		{"SameSite", "[\n{\"domain\":\"a.test\",\"name\":\"a\",\"sameSite\":\"garbage\"}\n]", `line 2: failed to convert "garbage" to an appropriate cookie same site value`},
		{"priority", `[{"domain":"a.test","name":"a","priority":"urgent"}]`, `line 1: priority: unknown word "urgent"`},
		{"scheme", `[{"domain":"a.test","name":"a","sourceScheme":"x"}]`, `line 1: sourceScheme: unknown word "x"`},
		{"time", `[{"domain":"a.test","name":"a","expirationDate":1e300}]`, "line 1: expirationDate is not in the years 1601 to 9999"},
		{"partition's site", `[{"domain":"a.test","name":"a","partitionKey":{"topLevelSite":"x"}}]`, "line 1: partitionKey: topLevelSite is not a site, as https://example.com"},
		{"domain", `[{"name":"a","domain":".com"}]`, "line 1: cookie refused: invalid domain"},
		{"SameSite=None", `[{"name":"a","domain":"a.test","sameSite":"no_restriction"}]`, "line 1: cookie refused: SameSite=None without Secure"},
		{"too large", "[" + strings.Repeat(" ", 64<<20) + "]", "more than 67108864 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cookies, err := cookiejar.ReadJSON(strings.NewReader(tt.in))
			var got string
			switch {
			case err != nil:
				got, _ = strings.CutPrefix(err.Error(), "cookies: ")
			case len(cookies) > 0:
				got = show(cookies[0])
			}
			if got != tt.want || err != nil && cookies != nil {
				t.Errorf("got %q with %d cookies, want %q", got, len(cookies), tt.want)
			}
		})
	}
}

// TestRoundTrips: what is exported and imported is what it was, as far as the format
// has room for it.
func TestRoundTrips(t *testing.T) {
	jar, r := filled(t)
	receive(t, jar, r, `quoted="a b"; HttpOnly; Secure; SameSite=Strict; Priority=High; Max-Age=1000`, "nameless", "empty=")
	receive(t, jar, &cookiejar.Request{URL: r.URL, Key: pageKey, SiteForCookies: pageKey.Top()}, "p=1; Secure; SameSite=None; Partitioned")
	receive(t, jar, &cookiejar.Request{URL: parse(t, "http://[::1]:8080/x/")}, "local=1; Secure")
	nonce := &cookiejar.Request{URL: r.URL, Key: origin.NewNonceKey(pageKey.Top(), pageKey.Top(), "n")}
	receive(t, jar, nonce, "n=1")
	all := jar.Snapshot()
	lasting := slices.DeleteFunc(slices.Clone(all), func(c cookiejar.Cookie) bool { return c.Partition.HasNonce() })
	if len(lasting) != len(all)-1 {
		t.Fatalf("got %d cookies, want one of them with a nonce", len(all))
	}
	for _, c := range all {
		if _, err := json.Marshal(c); (err != nil) != c.Partition.HasNonce() {
			t.Errorf("%s: got %v", show(c), err)
		}
	}
	load := func(cookies []cookiejar.Cookie, err error) *cookiejar.Jar {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		to := cookiejar.New(cookiejar.Config{})
		for _, c := range cookies {
			if err := to.Put(c); err != nil {
				t.Errorf("%s: %v", show(c), err)
			}
		}
		return to
	}
	var b bytes.Buffer
	if err := cookiejar.WriteJSON(&b, all); err != nil {
		t.Fatal(err)
	}
	got := load(cookiejar.ReadJSON(&b)).Snapshot()
	forget := func(list []cookiejar.Cookie) {
		for i := range list {
			list[i].Updated = time.Time{} // when it was imported
		}
	}
	forget(got)
	forget(lasting)
	if !slices.Equal(got, lasting) {
		t.Errorf("JSON: got %v, want %v", got, lasting)
	}

	b.Reset()
	if err := cookiejar.WriteNetscape(&b, all); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	other := load(cookiejar.ReadNetscape(&b))
	if n := other.Len(); n != len(all)-2 {
		t.Errorf("got %d cookies back, want all but the partitioned 2 of %d", n, len(all))
	}
	b.Reset()
	if err := cookiejar.WriteNetscape(&b, other.Snapshot()); err != nil || b.String() != text {
		t.Errorf("%v: got\n%s\nwant\n%s", err, b.String(), text)
	}
	b.Reset()
	if err := cookiejar.WriteJSON(&b, nil); err != nil || b.String() != "[\n]\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}

// TestPut holds what an import does to a jar that has cookies.
func TestPut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar := cookiejar.New(cookiejar.Config{})
		var got []string
		jar.Changed(func(c cookiejar.Change) { got = append(got, c.Cause.String()+" "+show(c.Cookie)) })
		receive(t, jar, &cookiejar.Request{URL: parse(t, "https://a.test/")}, "a=1; HttpOnly")
		c := cookiejar.Cookie{Name: "a", Value: "2", Domain: "a.test", HostOnly: true, Path: "/", Created: time.Now().Add(-time.Hour)}
		if err := jar.Put(c); err != nil {
			t.Fatal(err)
		}
		if c := jar.Snapshot()[0]; time.Since(c.Created) != time.Hour || time.Since(c.Updated) != 0 {
			t.Errorf("got %+v, want one made an hour ago", c)
		}
		c.Expires = time.Now()
		if err := jar.Put(c); err != nil {
			t.Fatal(err)
		}
		c.Domain, c.HostOnly = "test", false
		if err := jar.Put(c); !errors.Is(err, cookiejar.ReasonInvalidDomain) {
			t.Errorf("got %v, want %v", err, cookiejar.ReasonInvalidDomain)
		}
		want := []string{
			"inserted a=1 a.test/ http-only", "overwrite a=1 a.test/ http-only", "inserted a=2 a.test/",
			"expired-overwrite a=2 a.test/",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestElectronError(t *testing.T) {
	jar := cookiejar.New(cookiejar.Config{})
	receive(t, jar, &cookiejar.Request{URL: parse(t, "https://a.test/")}, "kept=1; Secure; HttpOnly")
	long := strings.Repeat("x", 5000)
	none := cookiejar.None
	tests := []struct {
		details cookiejar.Details
		want    string
	}{
		{cookiejar.Details{URL: "", Name: "a"}, "The cookie was set with an invalid Domain attribute.EXCLUDE_INVALID_DOMAIN"},
		{cookiejar.Details{URL: "asdf", Name: "a"}, "The cookie was set with an invalid Domain attribute.EXCLUDE_INVALID_DOMAIN"},
		{cookiejar.Details{URL: "https://a.test/", Domain: "b.test", Name: "a"}, "The cookie was set with an invalid Domain attribute.EXCLUDE_INVALID_DOMAIN"},
		{cookiejar.Details{URL: "https://a.test/", Name: "test;test"}, "The cookie contains ASCII control charactersEXCLUDE_DISALLOWED_CHARACTER"},
		{cookiejar.Details{URL: "http://a.test/", Name: "a", Secure: new(true)}, "The cookie was Secure, but the URL was not allowed to access Secure cookies.EXCLUDE_SECURE_ONLY"},
		{cookiejar.Details{URL: "https://a.test/", Name: "a", SameSite: &none, Secure: new(false)}, "The cookie specified SameSite=None, but it was not Secure.EXCLUDE_SAMESITE_NONE_INSECURE"},
		{cookiejar.Details{URL: "https://a.test/", Name: "__Host-a"}, "The cookie was set with an invalid __Host- or __Secure- prefix.EXCLUDE_INVALID_PREFIX"},
		{cookiejar.Details{URL: "http://a.test/", Name: "kept"}, "The cookie would have overwritten a Secure cookie, and was not allowed to do so.The cookie would have overwritten an HttpOnly cookie, and was not allowed to do so.EXCLUDE_OVERWRITE_SECURE, EXCLUDE_OVERWRITE_HTTP_ONLY"},
		{cookiejar.Details{URL: "https://a.test/", Name: "kept"}, "The cookie would have overwritten an HttpOnly cookie, and was not allowed to do so.EXCLUDE_OVERWRITE_HTTP_ONLY"},
		{cookiejar.Details{URL: "file:///x", Name: "a"}, "Attempted to set a cookie from a scheme that does not support cookies.EXCLUDE_NONCOOKIEABLE_SCHEME"},
		{cookiejar.Details{URL: "https://a.test/", Name: long}, "The cookie exceeded the name/value pair size limit.EXCLUDE_NAME_VALUE_PAIR_EXCEEDS_MAX_SIZE"},
		{cookiejar.Details{URL: "https://a.test/", Name: "a", Path: "/" + long}, "Cookie exceeded the attribute size limit.EXCLUDE_ATTRIBUTE_VALUE_EXCEEDS_MAX_SIZE"},
		{cookiejar.Details{URL: "https://a.test/"}, "The cookie contains no content or only whitespace.EXCLUDE_NO_COOKIE_CONTENT"},
		{cookiejar.Details{URL: "https://a.test/", Name: "a", Path: "x"}, "The cookie was malformed and could not be storedEXCLUDE_FAILURE_TO_STORE"},
	}
	for _, tt := range tests {
		var refused cookiejar.Refused
		if err := jar.Set(tt.details); !errors.As(err, &refused) {
			t.Errorf("got %v, want a refusal: %s", err, tt.want)
		} else if got, want := refused.ElectronError(), "Failed to set cookie - "+tt.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
