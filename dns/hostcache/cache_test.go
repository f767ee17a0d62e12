package hostcache_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// TestScenarios runs testdata/*. Each begins with a cache and a clock of its own.
//
//	new [size=N]
//	put HOST [A | none] ttl=D [isolation=SITE] [query=N] [source=N] [secure] [services]
//	get HOST [isolation=SITE] …
//	wait D
//	network changes
//	clear [HOST]
//	restart           a snapshot, restored into a new cache
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := world{now: time.Unix(1e9, 0), c: hostcache.New(0)}
		datadriven.RunTest(t, path, w.run)
	})
}

type world struct {
	c   *hostcache.Cache
	now time.Time
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	switch d.Cmd {
	case "new":
		size := 0
		maybe(t, d, "size", &size)
		w.c = hostcache.New(size)
	case "put":
		var ttl string
		d.ScanArgs(t, "ttl", &ttl)
		a := hostcache.Answer{Source: "test"}
		if d.CmdArgs[1].Key == "none" {
			a.Err = neterr.NameNotResolved
		} else {
			a.Addrs = []netip.Addr{netip.MustParseAddr(d.CmdArgs[1].Key)}
		}
		w.c.Put(keyOf(t, d), a, duration(t, ttl), w.now)
	case "get":
		a, s, ok := w.c.Get(keyOf(t, d), w.now)
		if !ok {
			return "nothing\n"
		}
		var b strings.Builder
		if a.Err != 0 {
			fmt.Fprint(&b, a.Err)
		} else {
			fmt.Fprint(&b, a.Addrs[0])
		}
		if s.Stale() {
			fmt.Fprintf(&b, ", stale: expired by %v, %d network changes, %d hits", s.ExpiredBy, s.NetworkChanges, s.Hits)
		}
		return b.String() + "\n"
	case "wait":
		w.now = w.now.Add(duration(t, d.CmdArgs[0].Key))
		return ""
	case "network":
		w.c.NetworkChanged()
	case "clear":
		if len(d.CmdArgs) == 0 {
			w.c.Clear(nil)
		} else {
			w.c.Clear(func(host string) bool { return host == d.CmdArgs[0].Key })
		}
	case "restart":
		records := w.c.Snapshot()
		w.c = hostcache.New(0)
		w.c.Restore(records)
		var b strings.Builder
		for _, r := range records {
			fmt.Fprintf(&b, "%s for %v\n", r.Key.Host, r.Expires.Sub(w.now))
		}
		return b.String()
	default:
		d.Fatalf(t, "what is %s?", d.Cmd)
	}
	return fmt.Sprintln(w.c.Len(), "remembered")
}

func keyOf(t *testing.T, d *datadriven.TestData) hostcache.Key {
	k := hostcache.Key{Host: d.CmdArgs[0].Key, Secure: d.HasArg("secure"), Services: d.HasArg("services")}
	var site string
	if maybe(t, d, "isolation", &site) {
		s := origin.Site{Scheme: "https", Domain: site}
		k.Isolation = origin.NewKey(s, s)
	}
	var n int
	if maybe(t, d, "query", &n) {
		k.Query = uint8(n)
	}
	if maybe(t, d, "source", &n) {
		k.Source = uint8(n)
	}
	return k
}

func maybe(t *testing.T, d *datadriven.TestData, arg string, to any) bool {
	if !d.HasArg(arg) {
		return false
	}
	d.ScanArgs(t, arg, to)
	return true
}

func duration(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNothingKept(t *testing.T) {
	c := hostcache.New(-1)
	c.Put(hostcache.Key{Host: "a.test"}, hostcache.Answer{}, time.Minute, time.Now())
	if c.Len() != 0 {
		t.Errorf("got %d answers in a cache that keeps nothing", c.Len())
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	c, now := hostcache.New(0), time.Now()
	k := hostcache.Key{Host: "a.test"}
	c.Put(k, hostcache.Answer{Addrs: []netip.Addr{netip.IPv6Loopback()}}, time.Minute, now)
	if n := testing.AllocsPerRun(100, func() {
		if _, _, ok := c.Get(k, now); !ok {
			t.Fatal("nothing")
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// The bound that a program can count on when it asks for a large cache.
func TestMemory(t *testing.T) {
	const names, limit = 100_000, 64 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	c, now := hostcache.New(names), time.Now()
	for i := range names {
		name := "host-" + strconv.Itoa(i) + ".some.example.com"
		c.Put(hostcache.Key{Host: name}, hostcache.Answer{
			Addrs:         []netip.Addr{netip.IPv6Loopback(), netip.IPv6LinkLocalAllNodes(), netip.IPv4Unspecified()},
			CanonicalName: name,
		}, time.Minute, now)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := after.HeapAlloc - before.HeapAlloc; got > limit {
		t.Errorf("got %d bytes for %d names, want at most %d", got, names, limit)
	}
	if c.Len() != names {
		t.Errorf("got %d names", c.Len())
	}
}

func TestConcurrentUse(t *testing.T) {
	c, now := hostcache.New(16), time.Now()
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := range 500 {
				k := hostcache.Key{Host: strconv.Itoa((i + j) % 40)}
				c.Put(k, hostcache.Answer{Err: neterr.NameNotResolved}, time.Duration(j+1), now)
				c.Get(k, now)
				switch j % 100 {
				case 7:
					c.NetworkChanged()
				case 8:
					c.Clear(func(host string) bool { return host == k.Host })
				case 9:
					c.Restore(c.Snapshot())
				}
			}
		})
	}
	group.Wait()
	if n := c.Len(); n == 0 || n > 16 {
		t.Errorf("got %d answers in a cache for 16", n)
	}
}

func BenchmarkGet(b *testing.B) {
	c, now := hostcache.New(0), time.Now()
	k := hostcache.Key{Host: "www.example.com"}
	c.Put(k, hostcache.Answer{Addrs: []netip.Addr{netip.IPv6Loopback()}}, time.Minute, now)
	b.ReportAllocs()
	for b.Loop() {
		c.Get(k, now)
	}
}
