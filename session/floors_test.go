package session_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "github.com/kaon-net/kaon"

// floors is which way imports go: a package imports from floors below its own only.
// A package and its own sub-packages, and sub-packages of one package, may share a
// floor. A new package begins by choosing its place here.
var floors = [...][]string{
	0: { // words
		"net/neterr", "net/origin", "net/profile", "netlog",
	},
	1: { // shapes
		"net/exchange", "net/internal/eager", "net/internal/literal", "net/internal/message", "net/netmon",
	},
	2: { // engines
		"cache", "cache/disk", "cache/internal/storetest", "cache/mem", "cache/redis", "cache/store",
		"cookiejar",
		"dns", "dns/dnswire", "dns/doh", "dns/hostcache", "dns/mdns", "dns/rtt", "dns/stub", "dns/sysconf",
		"hw", "hw/hid", "hw/hid/gohid", "hw/serial", "hw/serial/bugst", "hw/usb", "hw/usb/gousb",
		"net/altsvc", "net/auth", "net/coding", "net/h1", "net/h2", "net/h3", "net/hsts",
		"net/nettest", "net/pool", "net/throttle",
		"pac",
		"session/event",
		"tls", "tls/certverify",
	},
	3: { // joints
		"net/dial", "net/fetch", "proxy", "proxy/sysproxy", "proxy/tunnel",
	},
	4: { // transport
		"net/transport",
	},
	5: { // rooms
		"session/device", "session/download", "session/extension", "session/permission",
		"session/protocol", "session/serviceworker", "session/spellcheck",
		"session/storage", "session/storage/keyring", "session/webrequest", "session/websocket",
	},
	6: {"session"},
	7: { // users
		"bench", "bench/coldstart/nethttp", "bench/coldstart/session", "bench/coldstart/transport",
		"cmd/kaon", "fuzz",
	},
}

// sameFloor are the imports within a floor that the design allows by name.
var sameFloor = [][2]string{
	{"netlog", "net/neterr"},                 // its files list the error codes
	{"net/internal/message", "net/exchange"}, // what h2 and h3 make of a request and a response
}

// homes says which packages may import what is heavy, or has a better twin here:
// a path covers everything below it. An empty list is nowhere, and anywhere any
// package. A new dependency begins by choosing its home here.
var homes = map[string][]string{
	"net/http/cookiejar": {"bench"},                                                                   // which compares
	"crypto/tls":         {"net/exchange", "net/h3", "net/nettest", "tls", "tls/certverify", "bench"}, // bench serves

	"github.com/andybalholm/brotli":         {"net/coding"},
	"github.com/coder/websocket":            {"session/websocket"},
	"github.com/google/gousb":               {"hw/usb/gousb"},
	"github.com/gregjones/httpcache":        {"bench"}, // which compares
	"github.com/klauspost/compress":         {"net/coding"},
	"github.com/miekg/dns":                  {"dns/dnswire", "dns/mdns", "dns/stub", "bench"}, // their tests are servers; bench compares
	"github.com/nlnwa/whatwg-url":           {"net/fetch", "fuzz"},                            // fuzz compares
	"github.com/quic-go/quic-go":            {"net/h3", "net/nettest", "bench", "fuzz"},       // nettest and fuzz serve; bench also compares
	"github.com/redis/go-redis/v9":          {"cache/redis"},
	"github.com/refraction-networking/utls": {"tls"},
	"github.com/sstallion/go-hid":           {"hw/hid/gohid"},
	"github.com/zalando/go-keyring":         {"session/storage/keyring"},
	"go.bug.st/serial":                      {"hw/serial/bugst"},
	"go.etcd.io/bbolt":                      {"session/storage"},

	"golang.org/x/crypto/ocsp":               {"tls/certverify"},
	"golang.org/x/crypto/x509roots/fallback": {"tls/certverify"},

	"golang.org/x/net/http/httpguts": anywhere,
	"golang.org/x/net/http2":         {"net/h2", "net/h3", "net/internal/literal", "fuzz", "bench"}, // QPACK has hpack's Huffman code; fuzz and bench write frames
	"golang.org/x/net/idna":          {"net/origin"},
	"golang.org/x/net/publicsuffix":  {"net/origin", "tls/certverify", "bench"}, // bench gives it to std's jar
	"golang.org/x/sys":               anywhere,
	"golang.org/x/term":              {"cmd/kaon"},

	"github.com/spf13/pflag": {"cmd/kaon"},

	"github.com/yosida95/uritemplate": {"dns/doh"},

	"golang.org/x/net/ipv4": {"dns/mdns"},
	"golang.org/x/net/ipv6": {"dns/mdns"},
}

var anywhere = []string{"*"}

// testHomes is homes for what only tests import: anywhere there, nowhere else.
var testHomes = []string{
	"github.com/cockroachdb/datadriven",
	"github.com/quic-go/qpack",
	"golang.org/x/net/dns/dnsmessage",
}

// importNames are how imports are called that would hide a package of this module
// or be hidden by it.
var importNames = map[string]string{
	"crypto/tls":           "stdtls",
	"github.com/miekg/dns": "miekg",
}

// A pkg is what go list tells of a package.
type pkg struct {
	Dir, ImportPath                    string
	Imports, TestImports, XTestImports []string
	GoFiles, TestGoFiles, XTestGoFiles []string
	Error                              *struct{ Err string }
}

func TestFloors(t *testing.T) {
	floorOf := byName(t)
	for _, build := range builds {
		t.Run(build.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range list(t, build) {
				name := relative(p.ImportPath)
				if p.Error != nil {
					t.Errorf("%s: %s", name, p.Error.Err)
				}
				if _, known := floorOf[name]; !known {
					t.Errorf("%s stands on no floor: choose one in floors_test.go", name)
					continue
				}
				for _, imported := range p.Imports {
					if why := barred(floorOf, name, imported, false); why != "" {
						t.Errorf("%s imports %s: %s", name, imported, why)
					}
				}
				for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
					if why := barred(floorOf, name, imported, true); why != "" {
						t.Errorf("tests of %s import %s: %s", name, imported, why)
					}
				}
				checkNames(t, p)
			}
		})
	}
}

// The table must say no where the design does: these are its rules one by one.
func TestBarred(t *testing.T) {
	floorOf := byName(t)
	own := func(name string) string { return modulePath + "/" + name }
	tests := []struct {
		name     string
		from, to string
		test     bool
		ok       bool
	}{
		{name: "down", from: "net/pool", to: own("net/exchange"), ok: true},
		{name: "up", from: "net/exchange", to: own("net/pool")},
		{name: "engines do not see each other", from: "dns", to: own("tls")},
		{name: "joint sees its engine", from: "net/dial", to: own("dns"), ok: true},
		{name: "joints do not see each other", from: "net/fetch", to: own("net/dial")},
		{name: "rooms do not see each other", from: "session/download", to: own("session/permission")},
		{name: "a room does not see the session", from: "session/download", to: own("session")},
		{name: "the session sees a room", from: "session", to: own("session/download"), ok: true},
		{name: "a room sees feeds", from: "session/download", to: own("session/event"), ok: true},
		{name: "parent to sub-package", from: "dns", to: own("dns/dnswire"), ok: true},
		{name: "sub-package to parent", from: "hw/usb/gousb", to: own("hw/usb"), ok: true},
		{name: "sub-packages of one package", from: "cache/disk", to: own("cache/store"), ok: true},
		{name: "net is a folder and no package", from: "net/h1", to: own("net/pool")},
		{name: "named exception", from: "netlog", to: own("net/neterr"), ok: true},
		{name: "exception the other way", from: "net/neterr", to: own("netlog")},
		{name: "unknown package", from: "session", to: own("util")},
		{name: "nettest in a test", from: "net/neterr", to: own("net/nettest"), test: true, ok: true},
		{name: "nettest in code", from: "net/transport", to: own("net/nettest")},
		{name: "nettest in the command", from: "cmd/kaon", to: own("net/nettest"), ok: true},
		{name: "tests import themselves", from: "net/pool", to: own("net/pool"), test: true, ok: true},
		{name: "tests keep to the floors", from: "net/pool", to: own("net/h1"), test: true},
		{name: "heavy at home", from: "tls", to: "github.com/refraction-networking/utls/dicttls", ok: true},
		{name: "heavy elsewhere", from: "net/h1", to: "github.com/refraction-networking/utls"},
		{name: "home is not its sub-packages", from: "tls/certverify", to: "github.com/refraction-networking/utls"},
		{name: "a longer name is another module", from: "net/coding", to: "github.com/andybalholm/brotli-more"},
		{name: "unknown module", from: "session", to: "example.org/module"},
		{name: "test tool in a test", from: "net/pool", to: "github.com/cockroachdb/datadriven", test: true, ok: true},
		{name: "test tool in code", from: "net/pool", to: "github.com/cockroachdb/datadriven"},
		{name: "crypto/tls at home", from: "net/exchange", to: "crypto/tls", ok: true},
		{name: "crypto/tls elsewhere", from: "cmd/kaon", to: "crypto/tls"},
		{name: "crypto/tls in a test", from: "cmd/kaon", to: "crypto/tls", test: true, ok: true},
		{name: "std's cookie jar", from: "session", to: "net/http/cookiejar"},
		{name: "std's cookie jar in a test", from: "cookiejar", to: "net/http/cookiejar", test: true},
		{name: "std", from: "net/neterr", to: "net/http", ok: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			why := barred(floorOf, tt.from, tt.to, tt.test)
			if ok := why == ""; ok != tt.ok {
				t.Errorf("%s importing %s: got allowed %v (%s), want %v", tt.from, tt.to, ok, why, tt.ok)
			}
		})
	}
}

// byName turns the table around.
func byName(t *testing.T) map[string]int {
	floorOf := make(map[string]int)
	for floor, names := range floors {
		for _, name := range names {
			if at, double := floorOf[name]; double {
				t.Errorf("%s stands on floors %d and %d", name, at, floor)
			}
			floorOf[name] = floor
		}
	}
	return floorOf
}

// barred returns why a package may not import another, or "" if it may.
func barred(floorOf map[string]int, from, imported string, test bool) string {
	to := relative(imported)
	if to == imported {
		return barredOutside(from, imported, test)
	}
	here := floorOf[from]
	there, known := floorOf[to]
	switch {
	case !known:
		return "it stands on no floor"
	case from == to:
		return "" // an external test
	case to == "net/nettest":
		if test || here == len(floors)-1 {
			return ""
		}
		return "it is for tests and users"
	case there < here, there == here && related(floorOf, from, to), slices.Contains(sameFloor, [2]string{from, to}):
		return ""
	}
	return "floor " + strconv.Itoa(there) + " is not below floor " + strconv.Itoa(here)
}

func barredOutside(from, imported string, test bool) string {
	for path, at := range homes {
		if !covers(path, imported) {
			continue
		}
		if slices.Equal(at, anywhere) || slices.Contains(at, from) || test && path == "crypto/tls" {
			return ""
		}
		return cmp.Or("its home is "+strings.Join(at, ", "), "nowhere")
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return "" // std
	}
	for _, path := range testHomes {
		if covers(path, imported) {
			if test {
				return ""
			}
			return "it is for tests"
		}
	}
	return "it has no home: choose one in floors_test.go"
}

// related reports whether one package is the other's parent, or both have one parent
// that is a package. The parent that does not count is session: its rooms stand side
// by side and know nothing of each other.
func related(floorOf map[string]int, a, b string) bool {
	for root := a; root != "."; root = filepath.ToSlash(filepath.Dir(root)) {
		if _, isPackage := floorOf[root]; isPackage && root != "session" && covers(root, b) {
			return true
		}
	}
	return false
}

func covers(path, name string) bool {
	rest, ok := strings.CutPrefix(name, path)
	return ok && (rest == "" || rest[0] == '/')
}

func relative(importPath string) string {
	return strings.TrimPrefix(importPath, modulePath+"/")
}

// checkNames reads the files themselves: go list does not say how an import is
// called.
func checkNames(t *testing.T, p pkg) {
	for _, file := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
		path := filepath.Join(p.Dir, file)
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			want := importNames[imported]
			if want == "" {
				continue
			}
			if spec.Name == nil || spec.Name.Name != want {
				t.Errorf("%s/%s imports %s under another name than %s", relative(p.ImportPath), file, imported, want)
			}
		}
	}
}

// A build is one choice of files: platform files and tags hide imports from others.
// All of it is said, since these tests may run for another processor themselves.
type build struct {
	name string
	tags string
	env  []string
}

var builds = []build{
	{name: "linux", env: []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0"}},
	{name: "drivers", tags: "gousb,gohid,race", env: []string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=1"}},
	{name: "darwin", env: []string{"GOOS=darwin", "GOARCH=amd64", "CGO_ENABLED=0"}},
	{name: "windows", env: []string{"GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0"}},
}

func list(t *testing.T, b build) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-tags="+b.tags,
		"-json=Dir,ImportPath,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles,Error", "./...")
	cmd.Dir = ".." // the module's root
	cmd.Env = append(os.Environ(), b.env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var pkgs []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatal("go list found no package")
	}
	return pkgs
}
