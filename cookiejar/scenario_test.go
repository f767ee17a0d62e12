package cookiejar_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/origin"
)

// TestScenarios runs the rules in testdata/rules, in fake time, which begins at
// 2000-01-01T00:00:00Z. The first line of a command's input is a request, in words:
//
//	URL [METHOD] [page=SITE] [from=SITE] [top] [script] [via=SITE,…] [frame=SITE] [nonce=N] [date=+1h]
//
// page is the site for cookies, and with frame or nonce the top-level page of the
// isolation key; from is the initiator; via are redirects. SITE is a URL, or "none" for
// one that has no site. The commands:
//
//	new [third-party-blocked] [block-all] [chain] [schemes=a]   an empty jar, with a listener
//	set      each further line is a Set-Cookie field; \t \r \n \0 are escapes
//	sets     the further lines are URLs with one field each, after a blank
//	fill n=N [prefix=a] [bytes=N] [every=1s]    N cookies a0=…, with the attributes of line 2
//	send     the Cookie fields of the requests in the input, one a line
//	put      Set by the API: URL and key=value words, "~" for a blank, one cookie a line
//	list [domain=] [host=] [url=] [name=] [path=] [secure=] [session=] [http-only=]
//	count    how many cookies there are, by first letter of the name
//	remove name=a    those sent to the URL in the input
//	forget domain=a  all of a domain
//	reload   takes a snapshot and restores it in another jar
//	sleep for=1h
//
// The output of set and put is "ok", or the reasons, for each line; of those that
// change the jar, then the cause and the cookie of each change, "-" before those that
// are removed.
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata/rules", func(t *testing.T, path string) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{}
			datadriven.RunTest(t, path, s.run)
		})
	})
}

type script struct {
	jar     *cookiejar.Jar
	config  cookiejar.Config
	changes []string
	quiet   bool // changes are counted by cause
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	lines := strings.Split(strings.TrimSuffix(d.Input, "\n"), "\n")
	var b strings.Builder
	s.changes, s.quiet = nil, false
	switch d.Cmd {
	case "new":
		s.config = cookiejar.Config{RedirectChain: d.HasArg("chain")}
		if d.HasArg("third-party-blocked") {
			s.config.Policy = cookiejar.BlockThirdParty
		}
		if d.HasArg("block-all") {
			s.config.Policy = func(*cookiejar.Request) cookiejar.Verdict { return cookiejar.Block }
		}
		if d.HasArg("schemes") {
			s.config.Schemes = []string{text(t, d, "schemes")}
		}
		s.open()
		return ""
	case "sleep":
		time.Sleep(duration(t, d, "for"))
		return ""
	case "set":
		r := request(t, lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintln(&b, verdict(s.jar.Receive(r, unescape(line))))
		}
	case "sets":
		for _, line := range lines {
			u, field, _ := strings.Cut(line, " ")
			fmt.Fprintln(&b, verdict(s.jar.Receive(request(t, u), unescape(field))))
		}
	case "fill":
		s.fill(t, d, lines)
		s.quiet = true
	case "send":
		for _, line := range lines {
			r := request(t, line)
			header := s.jar.Header(r)
			if appended := string(s.jar.AppendHeader([]byte("x"), r)); appended != "x"+header {
				t.Errorf("AppendHeader: got %q, want %q", appended, "x"+header)
			}
			fmt.Fprintln(&b, cmp.Or(header, "-"))
		}
	case "put":
		for _, line := range lines {
			fmt.Fprintln(&b, verdict(s.jar.Set(details(t, line))))
		}
	case "list":
		for c := range s.jar.All(filter(t, d)) {
			fmt.Fprintln(&b, show(c))
		}
	case "count":
		count := make(map[string]int)
		for c := range s.jar.All(cookiejar.Filter{}) {
			count[c.Name[:1]]++
		}
		for _, name := range slices.Sorted(maps.Keys(count)) {
			fmt.Fprintf(&b, "%s: %d\n", name, count[name])
		}
		fmt.Fprintln(&b, "all:", s.jar.Len())
	case "remove":
		n := s.jar.Remove(request(t, lines[0]).URL, text(t, d, "name"))
		fmt.Fprintln(&b, "removed:", n)
	case "forget":
		domain := text(t, d, "domain")
		n := s.jar.RemoveFunc(func(c *cookiejar.Cookie) bool { return c.Domain == domain })
		fmt.Fprintln(&b, "removed:", n)
	case "reload":
		cookies := s.jar.Snapshot()
		s.open()
		fmt.Fprintln(&b, "left out:", s.jar.Restore(cookies))
	default:
		d.Fatalf(t, "unknown command %s", d.Cmd)
	}
	return b.String() + s.told()
}

func (s *script) open() {
	s.jar = cookiejar.New(s.config)
	s.jar.Changed(func(c cookiejar.Change) {
		sign := "+ "
		if c.Removed() {
			sign = "- "
		}
		s.changes = append(s.changes, sign+c.Cause.String()+" "+show(c.Cookie))
	})
}

func (s *script) told() string {
	if !s.quiet {
		return strings.Join(append(s.changes, ""), "\n")
	}
	count := make(map[string]int)
	for _, c := range s.changes {
		count[strings.Fields(c)[1]]++
	}
	var b strings.Builder
	for _, cause := range slices.Sorted(maps.Keys(count)) {
		fmt.Fprintf(&b, "%s: %d\n", cause, count[cause])
	}
	return b.String()
}

func (s *script) fill(t *testing.T, d *datadriven.TestData, lines []string) {
	n, err := strconv.Atoi(text(t, d, "n"))
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	value, prefix := "1", "a"
	if d.HasArg("prefix") {
		prefix = text(t, d, "prefix")
	}
	if d.HasArg("bytes") {
		size, _ := strconv.Atoi(text(t, d, "bytes"))
		value = strings.Repeat("x", size)
	}
	attributes := ""
	if len(lines) > 1 {
		attributes = "; " + lines[1]
	}
	for i := range n {
		line := lines[0]
		if strings.Contains(line, "%") {
			line = strings.ReplaceAll(line, "%", strconv.Itoa(i))
		}
		if err := s.jar.Receive(request(t, line), fmt.Sprintf("%s%d=%s%s", prefix, i, value, attributes)); err != nil {
			d.Fatalf(t, "%v", err)
		}
		if d.HasArg("every") {
			time.Sleep(duration(t, d, "every"))
		}
	}
}

func verdict(err error) string {
	var refused cookiejar.Refused
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refused):
		return refused.String()
	}
	return "not a Refused: " + err.Error()
}

// show writes a cookie as name=value@domain/path and its attributes.
func show(c cookiejar.Cookie) string {
	domain := c.Domain
	if !c.HostOnly {
		domain = "." + domain
	}
	var s strings.Builder
	s.WriteString(fmt.Sprintf("%s=%s %s%s", c.Name, c.Value, domain, c.Path))
	for _, f := range []struct {
		on   bool
		text string
	}{
		{c.Secure, "secure"},
		{c.HTTPOnly, "http-only"},
		{c.SameSite != cookiejar.Unspecified, c.SameSite.String()},
		{c.Priority != cookiejar.Medium, c.Priority.String()},
		{!c.Partition.IsZero(), "[" + c.Partition.String() + "]"},
		{!c.IsSession(), "until " + c.Expires.Format("2006-01-02T15:04:05")},
	} {
		if f.on {
			s.WriteString(" " + f.text)
		}
	}
	return s.String()
}

func request(t *testing.T, line string) *cookiejar.Request {
	words := strings.Fields(line)
	u, err := url.Parse(words[0])
	if err != nil {
		t.Fatal(err)
	}
	r := &cookiejar.Request{URL: u}
	var frame origin.Site
	var nonce string
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "page":
			r.SiteForCookies = site(t, value)
		case "from":
			r.Initiator = site(t, value)
		case "via":
			for v := range strings.SplitSeq(value, ",") {
				r.Redirects = append(r.Redirects, site(t, v))
			}
		case "frame":
			frame = site(t, value)
		case "nonce":
			nonce = value
		case "top":
			r.TopLevel = true
		case "script":
			r.Script = true
		case "date":
			skew, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			r.ServerTime = time.Now().Add(skew)
		case "GET", "POST", "HEAD", "OPTIONS", "TRACE", "PUT", "get":
			r.Method = key
		default:
			t.Fatalf("%q: unknown word %s", line, w)
		}
	}
	switch {
	case nonce != "":
		r.Key = origin.NewNonceKey(r.SiteForCookies, frame, nonce)
	case frame != origin.Site{}:
		r.Key = origin.NewKey(r.SiteForCookies, frame)
	}
	return r
}

func site(t *testing.T, s string) origin.Site {
	if s == "none" {
		return origin.Site{Scheme: "null"}
	}
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return origin.Of(u).Site()
}

func details(t *testing.T, line string) cookiejar.Details {
	words := strings.Fields(line)
	d := cookiejar.Details{URL: strings.Trim(words[0], "'")}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		value = strings.ReplaceAll(unescape(value), "~", " ")
		switch key {
		case "name":
			d.Name = value
		case "value":
			d.Value = value
		case "domain":
			d.Domain = value
		case "path":
			d.Path = value
		case "long-path":
			d.Path = "/" + strings.Repeat("x", 1024)
		case "long-value":
			d.Value = strings.Repeat("x", 4097)
		case "secure":
			d.Secure = new(value == "true")
		case "http-only":
			d.HTTPOnly = true
		case "same-site":
			s, err := cookiejar.ParseSameSite(value)
			if err != nil {
				t.Fatal(err)
			}
			d.SameSite = &s
		case "expires", "created", "accessed":
			after, err := time.ParseDuration(value)
			if err != nil {
				t.Fatal(err)
			}
			*map[string]*time.Time{"expires": &d.Expires, "created": &d.Created, "accessed": &d.Accessed}[key] = time.Now().Add(after)
		default:
			t.Fatalf("%q: unknown word %s", line, w)
		}
	}
	return d
}

func filter(t *testing.T, d *datadriven.TestData) (f cookiejar.Filter) {
	for _, arg := range d.CmdArgs {
		value := strings.Join(arg.Vals, ",")
		switch arg.Key {
		case "domain":
			f.Domain = value
		case "host":
			f.Host = value
		case "url":
			f.URL = request(t, value).URL
		case "name":
			f.Name = &value
		case "path":
			f.Path = &value
		case "secure":
			f.Secure = new(value == "true")
		case "session":
			f.Session = new(value == "true")
		case "http-only":
			f.HTTPOnly = new(value == "true")
		default:
			d.Fatalf(t, "unknown argument %s", arg.Key)
		}
	}
	return f
}

func text(t *testing.T, d *datadriven.TestData, key string) (s string) {
	d.ScanArgs(t, key, &s)
	return s
}

func duration(t *testing.T, d *datadriven.TestData, key string) time.Duration {
	v, err := time.ParseDuration(text(t, d, key))
	if err != nil {
		d.Fatalf(t, "%v", err)
	}
	return v
}

func unescape(s string) string {
	return strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\n`, "\n", `\0`, "\x00").Replace(s)
}
