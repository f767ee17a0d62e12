package main

import (
	"os"
	"strings"
	"testing"
)

// TestCookies walks through a profile's life: each run is a session of its own.
func TestCookies(t *testing.T) {
	dir := t.TempDir() + "/profile"
	files := t.TempDir()
	writeFile(t, files+"/cookies.txt", "#HttpOnly_.b.test\tTRUE\t/\tTRUE\t4102444800\ttxt\t1\n")
	writeFile(t, files+"/bad.txt", ".b.test\tTRUE\t/\tTRUE\t0\tnew\t1\nb.test\n")
	writeFile(t, files+"/cookies.json", `[{"name":"json","value":"secret","domain":"c.test","sameSite":"strict"}]`)
	const head = "DOMAIN  PATH  NAME  EXPIRES  FLAGS\n"
	steps := []struct {
		name     string
		args     []string
		stdin    string
		status   int
		out, err string // err: a part
	}{
		{name: "no profile yet", args: []string{"ls"}, status: 1, err: "--profile: "},
		{name: "set", args: []string{"set", "https://a.test/x/y", "a=1; Secure; Max-Age=31536000"}},
		{name: "set several", args: []string{"set", "https://a.test/", "-"}, stdin: "s=session; Priority=High\r\nd=dom; Domain=a.test; HttpOnly; SameSite=Lax\n"},
		{name: "get", args: []string{"get", "https://a.test/x/z"}, out: "a=1\ns=session\nd=dom\n"},
		{name: "get one", args: []string{"get", "https://deep.a.test/", "d"}, out: "dom\n"},
		{name: "get none", args: []string{"get", "https://a.test/", "none"}, status: 1, err: "there is no such cookie"},
		{name: "refused", args: []string{"set", "https://a.test/", "a=1; Domain=com"}, status: 1, err: "kaon cookies: cookie refused: invalid domain\n"},
		{name: "one of two refused", args: []string{"set", "https://a.test/", "-"}, stdin: "a=2; Path=/x\n=\n", status: 1, err: "line 2: cookie refused: neither name nor value"},
		{name: "import", args: []string{"import", files + "/cookies.txt"}, err: "1 read, 4 cookies now\n"},
		{name: "import JSON", args: []string{"import", "-"}, stdin: readFile(t, files+"/cookies.json"), err: "1 read, 5 cookies now\n"},
		{name: "import nothing", args: []string{"import", files + "/bad.txt"}, status: 1, err: "cookies.txt: line 2: 1 fields, want 7"},
		{name: "import as JSON", args: []string{"import", "--format", "json", files + "/cookies.txt"}, status: 1, err: "cookies: line 1: not one JSON array"},
		{name: "list", args: []string{"ls", "--domain", "test", "--host", "a.test", "--name", "s"}, out: "DOMAIN  PATH  NAME  EXPIRES           FLAGS\na.test  /     s     with the session  Priority=high\n"},
		{name: "list by URL", args: []string{"ls", "--url", "http://b.test/"}, out: head},
		{name: "export", args: []string{"export", "--domain", "b.test"}, out: "# Netscape HTTP Cookie File\n#HttpOnly_.b.test\tTRUE\t/\tTRUE\tEXPIRES\ttxt\t1\n"},
		{name: "export JSON", args: []string{"export", "--format=json", "--host", "none.test"}, out: "[\n]\n"},
		{name: "remove", args: []string{"rm", "https://a.test/", "d"}, err: "1 removed\n"},
		{name: "remove by filter", args: []string{"rm", "--domain", "a.test"}, err: "2 removed\n"},
		{name: "remove all", args: []string{"rm", "--all"}, err: "2 removed\n"},
		{name: "empty", args: []string{"ls"}, out: head},

		{name: "no verb", status: 2, err: "no command given"},
		{name: "another verb", args: []string{"eat"}, status: 2, err: `no command "eat"`},
		{name: "URL", args: []string{"get", "a.test"}, status: 2, err: "URL: "},
		{name: "few arguments", args: []string{"set", "https://a.test/"}, status: 2, err: "set does not take 1 arguments"},
		{name: "many arguments", args: []string{"ls", "x"}, status: 2, err: "ls does not take 1 arguments"},
		{name: "filters", args: []string{"get", "--domain", "x", "https://a.test/"}, status: 2, err: "get takes no filters"},
		{name: "all", args: []string{"ls", "--all"}, status: 2, err: "ls takes no --all"},
		{name: "format", args: []string{"ls", "--format", "json"}, status: 2, err: "ls takes no --format"},
		{name: "unknown format", args: []string{"export", "--format", "xml"}, status: 2, err: "--format is netscape or json"},
		{name: "remove what", args: []string{"rm"}, status: 2, err: "rm takes a URL and a name, or filters, or --all"},
		{name: "remove all and more", args: []string{"rm", "--all", "--name", "x"}, status: 2, err: "rm takes a URL and a name, or filters, or --all"},
		{name: "two keys", args: []string{"ls", "--key", "x", "--keyring"}, status: 2, err: "--key or --keyring"},
		{name: "no key", args: []string{"ls", "--key", files + "/none"}, status: 1, err: "--key: "},
		{name: "bad key", args: []string{"ls", "--key", files + "/bad.txt"}, status: 1, err: "neither 32 bytes nor 64 hexadecimal digits"},
	}
	for _, s := range steps {
		args := append([]string{"cookies", "--profile", dir}, s.args...)
		got := kaon(t, s.stdin, args...)
		out := replaceAfter(got.out, "TRUE\t", "EXPIRES", "\ttxt")
		if got.status != s.status || out != s.out || !strings.Contains(got.err, s.err) || s.err == "" && got.err != "" {
			t.Errorf("%s: got %+v, want %+v", s.name, got, result{s.status, s.out, s.err})
		}
	}
	if got := kaon(t, "", "cookies", "ls"); got.status != 2 || !strings.Contains(got.err, "--profile says whose cookies") {
		t.Errorf("no profile: got %+v", got)
	}
	if got := kaon(t, "", "fetch", "--keyring", "http://a.test/"); got.status != 2 || !strings.Contains(got.err, "are for a --profile") {
		t.Errorf("a key for nothing: got %+v", got)
	}
}

// replaceAfter puts text in place of what stands between the last from and to, since it
// depends on the day.
func replaceAfter(s, from, text, to string) string {
	i := strings.LastIndex(s, to)
	if i < 0 {
		return s
	}
	j := strings.LastIndex(s[:i], from) + len(from)
	return s[:j] + text + s[i:]
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFetchProfile: what one run of fetch was told, the next one knows.
func TestFetchProfile(t *testing.T) {
	o, cacert := testOrigin(t)
	dir := t.TempDir() + "/profile"
	key := t.TempDir() + "/key"
	writeFile(t, key, strings.Repeat("0123456789abcdef", 4)+"\n")
	fetch := func(url string) result {
		return kaon(t, "", "fetch", "--profile", dir, "--key", key, "--cacert", cacert, url)
	}
	for _, url := range []string{o.https + "/cookie?session=1", o.https + "/cookie?lasting=2;+Max-Age=60"} {
		if got := fetch(url); got.status != 0 {
			t.Fatalf("got %+v", got)
		}
	}
	if got, want := fetch(o.https+"/cookie").out, "session=1; lasting=2"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := kaon(t, "", "cookies", "get", "--profile", dir, "--key", key, o.https+"/", "lasting"); got.out != "2\n" {
		t.Errorf("got %+v, want 2", got)
	}
	if got := kaon(t, "", "cookies", "get", "--profile", dir, o.https+"/", "lasting"); got.status != 1 {
		t.Errorf("without the key: got %+v", got)
	}
}
