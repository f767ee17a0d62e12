package sysconf_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns/sysconf"
	"github.com/kaon-net/kaon/net/neterr"
)

func TestParseHosts(t *testing.T) {
	tests := []struct {
		name, text, host string
		v4, v6           string
	}{
		{"one name", "192.0.2.1 a", "a", "192.0.2.1", ""},
		{"both families", "192.0.2.1 a\n2001:db8::1 a\n", "a", "192.0.2.1", "2001:db8::1"},
		{"aliases", "192.0.2.1 a b c", "c", "192.0.2.1", ""},
		{"first of a family wins", "192.0.2.1 a\n192.0.2.2 a\n2001:db8::1 a\n2001:db8::2 a", "a", "192.0.2.1", "2001:db8::1"},
		{"tabs, spaces, CR", "\t 192.0.2.1\t  a \t b\r\n", "b", "192.0.2.1", ""},
		{"comment line", "# 192.0.2.1 a\n192.0.2.2 a", "a", "192.0.2.2", ""},
		{"comment behind", "192.0.2.1 a # b", "b", "", ""},
		{"comment without space", "192.0.2.1 a#b", "a", "192.0.2.1", ""},
		{"case of the file", "192.0.2.1 Printer.LAN", "printer.lan", "192.0.2.1", ""},
		{"case of the question", "192.0.2.1 printer.lan", "PRINTER.lan", "192.0.2.1", ""},
		{"dot in the file", "192.0.2.1 a.test.", "a.test", "192.0.2.1", ""},
		{"dot in the question", "192.0.2.1 a.test", "a.test.", "192.0.2.1", ""},
		{"IPv6 case", "2001:DB8::A a", "a", "", "2001:db8::a"},
		{"mapped IPv4", "::ffff:192.0.2.1 a", "a", "192.0.2.1", ""},
		{"zone", "fe80::1%lo0 a", "a", "", ""},
		{"no address", "a 192.0.2.1", "a", "", ""},
		{"short address", "127.1 a", "a", "", ""},
		{"leading zero", "192.0.2.01 a", "a", "", ""},
		{"address alone", "192.0.2.1\n a", "a", "", ""},
		{"lone dot", "192.0.2.1 .", "", "", ""},
		{"noise before", "\x00\xff\xfe\n\x01 a\n192.0.2.1 a", "a", "192.0.2.1", ""},
		{"no line end", "192.0.2.1 a", "a", "192.0.2.1", ""},
		{"empty", "", "a", "", ""},
		{"foreign letters stay foreign", "192.0.2.1 \u212aelvin", "kelvin", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v4, v6 := sysconf.ParseHosts([]byte(tt.text)).Lookup(tt.host)
			if v4 != parse(tt.v4) || v6 != parse(tt.v6) {
				t.Errorf("Lookup(%q) = %v, %v; want %q, %q", tt.host, v4, v6, tt.v4, tt.v6)
			}
		})
	}
}

func parse(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func TestManyLines(t *testing.T) {
	var text strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&text, "10.%d.%d.%d host%d.test\n", i>>16, i>>8&0xff, i&0xff, i)
	}
	h := sysconf.ParseHosts([]byte(text.String()))
	if v4, _ := h.Lookup("host99999.test"); h.Len() != 100_000 || v4 != netip.MustParseAddr("10.1.134.159") {
		t.Errorf("%d names, the last is %v; want 100000, 10.1.134.159", h.Len(), v4)
	}
}

func TestReadHosts(t *testing.T) {
	dir := t.TempDir()
	big := filepath.Join(dir, "big")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, sysconf.MaxHostsSize+1); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		want       neterr.Code
	}{
		{"missing", filepath.Join(dir, "missing"), neterr.FileNotFound},
		{"directory", dir, neterr.InvalidArgument},
		{"too big", big, neterr.FileTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if h, err := sysconf.ReadHosts(tt.path); h != nil || !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v; want %v", h, err, tt.want)
			}
		})
	}
}

func TestHostsFileFollowsChanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts")
	write := func(t *testing.T, text string, mod time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, mod, mod); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		f := sysconf.NewHostsFile(path)
		want := func(step, addr string) {
			t.Helper()
			if v4, _ := f.Lookup("a"); v4 != parse(addr) {
				t.Errorf("%s: got %v, want %q", step, v4, addr)
			}
		}
		day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		want("no file", "")
		write(t, "192.0.2.1 a\n", day)
		want("within the second nobody looks", "")
		time.Sleep(time.Second)
		want("the file has come", "192.0.2.1")
		write(t, "192.0.2.2 a\n", day.Add(time.Minute))
		time.Sleep(time.Second)
		want("new time, same size", "192.0.2.2")
		write(t, "192.0.2.33 a\n", day.Add(time.Minute))
		time.Sleep(time.Second)
		want("new size, same time", "192.0.2.33")
		write(t, "192.0.2.44 a\n", day.Add(time.Minute))
		time.Sleep(time.Second)
		want("same time and size is no change", "192.0.2.33")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		want("a removed file lasts out the second", "192.0.2.33")
		time.Sleep(time.Second)
		want("the file has gone", "")
	})
}

func TestHostsPath(t *testing.T) {
	if got := filepath.Base(sysconf.HostsPath()); got != "hosts" {
		t.Errorf("HostsPath() ends in %q, want hosts", got)
	}
}
