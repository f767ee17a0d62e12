package storage_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/session/storage"
)

// TestClear runs the rules in testdata/clear, each command on what fill describes.
//
//	clear-data      types=(a,b) origins=(a,b) exclude=(a,b) mode=origin-in-all-contexts avoid failing
//	clear-storage   storages=(a,b) origin=a
//
// They print what is gone, the error, and what the HTTP cache was asked for, which only
// tells of it, and fails if told so.
func TestClear(t *testing.T) {
	datadriven.Walk(t, "testdata/clear", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			c := newClearing(t, d.HasArg("failing"))
			before := c.all()
			var err error
			switch d.Cmd {
			case "clear-data":
				var o storage.ClearDataOptions
				for _, name := range values(d, "types") {
					o.DataTypes = append(o.DataTypes, storage.DataType(name))
				}
				o.Origins, o.ExcludeOrigins = values(d, "origins"), values(d, "exclude")
				o.AvoidClosingConnections = d.HasArg("avoid")
				if d.HasArg("mode") {
					o.OriginMatchingMode = storage.OriginInAllContexts
				}
				err = c.reg.ClearData(t.Context(), o)
			case "clear-storage":
				o := storage.ClearStorageOptions{Storages: values(d, "storages")}
				if origin := values(d, "origin"); origin != nil {
					o.Origin = origin[0]
				}
				err = c.reg.ClearStorage(t.Context(), o)
			default:
				t.Fatalf("unknown command %s", d.Cmd)
			}
			left := c.all()
			for _, line := range before {
				if !slices.Contains(left, line) {
					fmt.Fprintln(&c.out, "gone:", line)
				}
			}
			if len(left) == len(before) {
				fmt.Fprintln(&c.out, "nothing is gone")
			}
			if err != nil {
				fmt.Fprintf(&c.out, "error: %v\n", err)
				var failed *storage.ClearError
				if !errors.As(err, &failed) && !errors.Is(err, neterr.InvalidArgument) {
					t.Errorf("%v has no code", err)
				}
			}
			return c.out.String()
		})
	})
}

type clearing struct {
	t     *testing.T
	jar   *cookiejar.Jar
	hsts  *hsts.Store
	alt   *altsvc.Store
	hosts *hostcache.Cache
	reg   *storage.Registry
	out   strings.Builder
}

func newClearing(t *testing.T, failing bool) *clearing {
	c := &clearing{
		t: t, jar: cookiejar.New(cookiejar.Config{}), hsts: hsts.New(hsts.Config{}),
		alt: altsvc.NewStore(altsvc.Config{}), hosts: hostcache.New(0),
	}
	cookies, err := storage.CookieKind(c.jar, storage.CookieOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cache := storage.Kind{Type: storage.Cache, Clear: func(_ context.Context, sel storage.Selection) error {
		fmt.Fprintf(&c.out, "cache: origins=%v exclude=%v mode=%d avoid=%v\n", sel.Origins, sel.Exclude, sel.Mode, sel.AvoidClosingConnections)
		if failing {
			return errors.New("disk on fire")
		}
		return nil
	}}
	c.reg = storage.NewRegistry(cookies, storage.HSTSKind(c.hsts), storage.AltSvcKind(c.alt), storage.HostCacheKind(c.hosts), cache)
	c.fill(`
cookie   https://example.com/      host=1
cookie   https://a.b.example.com/  sub=1
cookie   https://a.b.example.com/  wide=1    Domain=example.com
cookie   https://example.com/      parted=1  page=https://top.example
cookie   https://x.example.co.uk/  uk=1      Domain=example.co.uk
cookie   https://other.net/        other=1
cookie   https://192.0.2.1/        ip=1
hsts     https://example.com/
hsts     https://a.b.example.com/
hsts     https://other.net/
alt-svc  https://other.net/
alt-svc  https://cdn.net/          page=https://example.com
alt-svc  https://example.com/
host     https://example.com/
host     https://other.net/`)
	return c
}

// fill puts in one thing a line: its kind, a URL, and what else there is to it; page is
// what it is partitioned by.
func (c *clearing) fill(lines string) {
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		f := strings.Fields(line)
		u := parseURL(c.t, f[1])
		var err error
		switch f[0] {
		case "cookie":
			err = c.cookie(f[1:])
		case "hsts":
			err = c.hsts.Receive(u, "max-age=1000")
		case "alt-svc":
			c.alt.Learn(origin.Of(u), page(c.t, f[2:]), `h3=":443"`, time.Now())
		case "host":
			a := hostcache.Answer{Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
			c.hosts.Put(hostcache.Key{Host: u.Host}, a, time.Hour, time.Now())
		}
		if err != nil {
			c.t.Fatalf("%s: %v", line, err)
		}
	}
}

func (c *clearing) cookie(f []string) error {
	r := &cookiejar.Request{URL: parseURL(c.t, f[0])}
	var field strings.Builder
	field.WriteString(f[1] + "; Secure")
	for _, word := range f[2:] {
		if strings.HasPrefix(word, "page=") {
			r.Key = page(c.t, f[2:])
			field.WriteString("; Partitioned; SameSite=None")
		} else {
			field.WriteString("; " + word)
		}
	}
	return c.jar.Receive(r, field.String())
}

// page is the isolation key of a page that a word names.
func page(t *testing.T, words []string) origin.Key {
	for _, word := range words {
		if url, ok := strings.CutPrefix(word, "page="); ok {
			site := origin.Of(parseURL(t, url)).Site()
			return origin.NewKey(site, site)
		}
	}
	return origin.Key{}
}

// values are those of an argument, nil without it. "()" are none.
func values(d *datadriven.TestData, name string) []string {
	for _, arg := range d.CmdArgs {
		if arg.Key == name {
			vals := []string{}
			for _, v := range arg.Vals {
				if v != "" {
					vals = append(vals, v)
				}
			}
			return vals
		}
	}
	return nil
}

// all is what there is, a line each.
func (c *clearing) all() (lines []string) {
	in := func(k origin.Key) string {
		if k.IsZero() {
			return ""
		}
		return " in " + k.Top().String()
	}
	for _, k := range c.jar.Snapshot() {
		lines = append(lines, "cookie "+k.Name+" of "+k.Domain+in(k.Partition))
	}
	for _, e := range c.hsts.Snapshot() {
		lines = append(lines, "hsts of "+e.Host)
	}
	for _, s := range c.alt.Snapshot(time.Now()).Servers {
		lines = append(lines, "alt-svc of "+s.Origin.String()+in(s.Isolation))
	}
	for _, r := range c.hosts.Snapshot() {
		lines = append(lines, "address of "+r.Key.Host)
	}
	return lines
}
