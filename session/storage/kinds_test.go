package storage_test

import (
	"fmt"
	"maps"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/session/storage"
)

// carry gives the records of one kind to another, and returns how many were lost.
func carry(from, to storage.Kind) int {
	return to.Records.Restore(maps.All(from.Records.Changes(true))).Lost
}

func TestAltSvcKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		store := altsvc.NewStore(altsvc.Config{})
		kind := storage.AltSvcKind(store)
		site := origin.Of(parseURL(t, "https://top.example/")).Site()
		learn := func(i int) {
			o := origin.Origin{Scheme: "https", Host: fmt.Sprintf("h%d.example", i), Port: 443}
			store.Learn(o, origin.Key{}, `h3=":443"; ma=1000, h3="other.example:8443"`, now)
		}
		for i := range 10 {
			learn(i)
		}
		own := origin.Origin{Scheme: "https", Host: "h.example", Port: 8443}
		store.Learn(own, origin.NewKey(site, site), `h3="other.example:8443"`, now)
		store.Learn(own, origin.NewNonceKey(site, site, "n"), `h3="other.example:8443"`, now)
		bad := altsvc.Service{Protocol: "h3", Host: "h3.example", Port: 443}
		store.MarkBroken(bad, origin.Key{}, now)
		store.MarkRecentlyBroken(altsvc.Service{Protocol: "h3", Host: "::1", Port: 443}, origin.NewKey(site, site))
		check := func() {
			t.Helper()
			want := store.Snapshot(now)
			for i, s := range want.Servers {
				if s.Isolation.HasNonce() {
					want.Servers = append(want.Servers[:i], want.Servers[i+1:]...)
					break
				}
			}
			again := altsvc.NewStore(altsvc.Config{})
			if lost := carry(kind, storage.AltSvcKind(again)); lost != 0 {
				t.Errorf("%d records are lost", lost)
			}
			if got := fmt.Sprintf("%+v", again.Snapshot(now)); got != fmt.Sprintf("%+v", want) {
				t.Errorf("got  %s\nwant %+v", got, want)
			}
		}
		check()
		// The order is by use, and one that is used is one record to write.
		store.Lookup(nil, origin.Origin{Scheme: "https", Host: "h3.example", Port: 443}, origin.Key{}, now)
		if got := len(kind.Records.Changes(false)); got != 2 {
			t.Errorf("got %d records for a server and its failure that were used", got)
		}
		check()
		store.Clear(nil)
		if got := kind.Records.Changes(false); len(got) != 13 {
			t.Errorf("got %d records gone, want 13", len(got))
		}
	})
}

func TestHostCacheKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		cache := hostcache.New(0)
		site := origin.Of(parseURL(t, "https://top.example/")).Site()
		addr := netip.MustParseAddr
		cache.Put(hostcache.Key{Host: "a.example", Query: 3, Source: 2, Secure: true, Services: true}, hostcache.Answer{
			Addrs: []netip.Addr{addr("192.0.2.1"), addr("2001:db8::1"), addr("fe80::1%eth0")}, CanonicalName: "b.example", Source: "dns",
			Services: []dnswire.Service{{Priority: 1, Target: "c.example", ALPN: []string{"h3", "h2"}, Port: 8443, ECH: []byte{0, 1}, Hints: []netip.Addr{addr("192.0.2.2")}, Strict: true}},
		}, time.Hour, now)
		cache.Put(hostcache.Key{Host: "no.example", Isolation: origin.NewKey(site, site)}, hostcache.Answer{Err: neterr.NameNotResolved}, time.Minute, now)
		want := cache.Snapshot()
		cache.Put(hostcache.Key{Host: "nonce.example", Isolation: origin.NewNonceKey(site, site, "n")}, hostcache.Answer{}, time.Hour, now)

		again := hostcache.New(0)
		if lost := carry(storage.HostCacheKind(cache), storage.HostCacheKind(again)); lost != 0 {
			t.Errorf("%d records are lost", lost)
		}
		if got := fmt.Sprintf("%+v", again.Snapshot()); got != fmt.Sprintf("%+v", want) {
			t.Errorf("got  %s\nwant %+v", got, want)
		}
		_, staleness, ok := again.Get(want[0].Key, now)
		if !ok || !staleness.Stale() {
			t.Errorf("got %+v, %v: it is of another network", staleness, ok)
		}
		time.Sleep(24*time.Hour + 30*time.Minute)
		again = hostcache.New(0)
		carry(storage.HostCacheKind(cache), storage.HostCacheKind(again))
		if got := again.Len(); got != 1 {
			t.Errorf("got %d answers, want the one that is stale for less than a day", got)
		}
	})
}

// Records that nobody wrote are lost, one by one, and hurt nobody.
func TestRestoreNonsense(t *testing.T) {
	r := open(t, t.TempDir(), storage.CookieOptions{})
	cookies, err := storage.CookieKind(r.jar, storage.CookieOptions{})
	if err != nil {
		t.Fatal(err)
	}
	alt, hosts := altsvc.NewStore(altsvc.Config{}), hostcache.New(0)
	for _, kind := range []storage.Kind{cookies, storage.HSTSKind(r.hsts), storage.AltSvcKind(alt), storage.HostCacheKind(hosts)} {
		n := 0
		lost := kind.Records.Restore(func(yield func(string, []byte) bool) {
			for _, s := range []string{"", "s", "f", "t", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x01a\x01\x01/\x01n\x00", "\x7fa"} {
				n++
				if !yield(s, []byte(s)) {
					return
				}
			}
		}).Lost
		if lost != n {
			t.Errorf("%s: got %d lost of %d", kind.Type, lost, n)
		}
	}
	if r.jar.Len()+len(r.hsts.Snapshot())+alt.Len()+hosts.Len() != 0 {
		t.Error("nonsense was believed")
	}
}

func TestRegistryTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two kinds of one type are fine")
		}
	}()
	storage.NewRegistry(storage.Kind{Type: storage.Cache}, storage.Kind{Type: storage.Cache})
}
