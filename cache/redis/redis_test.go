package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kaon-net/kaon/cache/internal/storetest"
	"github.com/kaon-net/kaon/cache/redis"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

var ctx = context.Background()

func TestContract(t *testing.T) {
	rig := nettest.Redis(t, nettest.RedisConfig{})
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, redis.Config{URL: url(rig), Prefix: t.Name() + "*?[a]\\:", Timeout: 5 * time.Second})
	})
}

// TestContractOfCluster has a cluster of one, which refuses what is not of one slot as
// one of many does.
func TestContractOfCluster(t *testing.T) {
	rig := nettest.Redis(t, nettest.RedisConfig{Args: []string{"--cluster-enabled", "yes"}})
	c := goredis.NewClusterClient(&goredis.ClusterOptions{Addrs: []string{rig.Redis}, ContextTimeoutEnabled: true})
	defer c.Close()
	one := goredis.NewClient(&goredis.Options{Addr: rig.Redis})
	defer one.Close()
	if err := one.ClusterAddSlotsRange(ctx, 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	nettest.Eventually(t, "the cluster serves", func() bool { return c.Get(ctx, "none").Err() == goredis.Nil })
	storetest.Run(t, func(t *testing.T) store.Store {
		return open(t, redis.Config{Client: c, Prefix: t.Name(), Timeout: 5 * time.Second})
	})
}

// A shared is a server, and a client that looks at what is in it.
type shared struct {
	*testing.T
	rig *nettest.Rig
	raw *goredis.Client
}

func newShared(t *testing.T) *shared {
	t.Helper()
	rig := nettest.Redis(t, nettest.RedisConfig{})
	raw := goredis.NewClient(&goredis.Options{Addr: rig.Redis})
	t.Cleanup(func() { raw.Close() })
	return &shared{t, rig, raw}
}

func url(rig *nettest.Rig) string { return "redis://" + rig.Redis + "/0" }

func open(t testing.TB, cfg redis.Config) *redis.Store {
	t.Helper()
	s, err := redis.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (sh *shared) open() *redis.Store {
	return open(sh, redis.Config{URL: url(sh.rig), Timeout: 5 * time.Second})
}

func key(name string) *store.Key { return &store.Key{URL: "https://a.test/" + name} }

func head(name string) *store.Head {
	return &store.Head{Status: 200, Header: exchange.FieldsOf("X-Name", name)}
}

func (sh *shared) begin(s *redis.Store, name, body string) store.Entry {
	sh.Helper()
	e, err := s.Create(ctx, key(name))
	if err != nil {
		sh.Fatalf("create: %v", err)
	}
	sh.Cleanup(func() { e.Close() })
	e.SetHead(head(name))
	if _, err := e.WriteAt([]byte(body), 0); err != nil {
		sh.Fatalf("write: %v", err)
	}
	return e
}

func (sh *shared) put(s *redis.Store, name, body string) {
	sh.Helper()
	e := sh.begin(s, name, body)
	if err := e.Commit(ctx); err != nil {
		sh.Fatalf("commit: %v", err)
	}
	if err := e.Close(); err != nil {
		sh.Fatalf("close: %v", err)
	}
}

// get is what s has under name, and whether it has anything.
func (sh *shared) get(s *redis.Store, name string) (body string, ok bool) {
	sh.Helper()
	e, err := s.Open(ctx, key(name))
	if errors.Is(err, store.ErrMiss) {
		return "", false
	}
	if err != nil {
		sh.Fatalf("open: %v", err)
	}
	defer e.Close()
	b, err := io.ReadAll(io.NewSectionReader(e, 0, 1<<40))
	if err != nil {
		sh.Errorf("read %s: %v", name, err)
	}
	return string(b), true
}

func (sh *shared) want(s *redis.Store, name, body string) {
	sh.Helper()
	if got, ok := sh.get(s, name); !ok || got != body {
		sh.Errorf("%s: got %d bytes, %v; want %d", name, len(got), ok, len(body))
	}
}

func (sh *shared) wantMiss(s *redis.Store, name string) {
	sh.Helper()
	if got, ok := sh.get(s, name); ok {
		sh.Errorf("%s: got %d bytes, want a miss", name, len(got))
	}
}

func (sh *shared) keys() []string {
	sh.Helper()
	keys, err := sh.raw.Keys(ctx, "*").Result()
	if err != nil {
		sh.Fatal(err)
	}
	return keys
}

func long(c string) string { return strings.Repeat(c, 700_000) }

func TestTwoMachines(t *testing.T) {
	sh := newShared(t)
	a, b := sh.open(), sh.open()
	sh.put(a, "x", long("a"))
	sh.want(b, "x", long("a"))

	reading, err := a.Open(ctx, key("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	first := make([]byte, 10)
	if _, err := reading.ReadAt(first, 0); err != nil {
		t.Fatal(err)
	}
	sh.put(b, "x", long("b"))
	sh.want(a, "x", long("b"))
	rest, err := io.ReadAll(io.NewSectionReader(reading, 10, 1<<40))
	if err != nil || string(first)+string(rest) != long("a") {
		t.Errorf("a reader of the old: got %d bytes, %v, of both: %v", len(rest), err, bytes.Contains(rest, []byte("b")))
	}

	// Both begin, the one that commits last stays.
	x, y := sh.begin(a, "y", long("1")), sh.begin(b, "y", long("2"))
	for _, e := range []store.Entry{y, x} {
		if err := e.Commit(ctx); err != nil {
			t.Fatal(err)
		}
	}
	sh.want(b, "y", long("1"))
	if err := y.Delete(ctx); err != nil { // which is not its own any more
		t.Fatal(err)
	}
	sh.want(b, "y", long("1"))

	// What one has begun when the other clears all does not come to be.
	z := sh.begin(a, "z", long("z"))
	if err := b.Clear(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if err := z.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	sh.wantMiss(b, "z")
	sh.wantMiss(a, "y")
	sh.put(a, "z", "again")
	sh.want(b, "z", "again")
}

func TestEverythingExpires(t *testing.T) {
	sh := newShared(t)
	s := open(t, redis.Config{URL: url(sh.rig), TTL: time.Hour})
	sh.put(s, "small", "x")
	sh.put(s, "large", long("x"))
	sh.put(s, "large", long("y"))
	sh.begin(s, "begun", long("x"))
	sh.begin(s, "cleared", long("x"))
	if err := s.Clear(ctx, nil); err != nil {
		t.Fatal(err)
	}
	sh.put(s, "small", "x")
	sh.put(s, "large", long("x"))
	abandoned := sh.begin(s, "abandoned", long("x"))
	keys := sh.keys()
	if len(keys) < 6 {
		t.Errorf("got the keys %q, want more: bodies that are read yet", keys)
	}
	for _, k := range keys {
		if ttl := sh.raw.PTTL(ctx, k).Val(); ttl <= 0 || ttl > time.Hour {
			t.Errorf("%s lives for %v", k, ttl)
		}
	}
	abandoned.Close()
	if got := len(sh.keys()); got != len(keys)-1 {
		t.Errorf("got %d keys after an entry is closed uncommitted, want %d", got, len(keys)-1)
	}
}

func TestUseProlongs(t *testing.T) {
	sh := newShared(t)
	short := open(t, redis.Config{URL: url(sh.rig), TTL: time.Minute})
	sh.put(short, "x", long("x"))
	s := open(t, redis.Config{URL: url(sh.rig), TTL: time.Hour})
	sh.want(s, "x", long("x"))
	n := 0
	for _, k := range sh.keys() {
		if ttl := sh.raw.PTTL(ctx, k).Val(); strings.Contains(k, "{") && ttl <= time.Minute {
			t.Errorf("%s lives for %v after it was used", k, ttl)
		}
		n++
	}
	if n != 2 {
		t.Errorf("got %d keys, want a record and a body", n)
	}
}

// The body of an entry that was replaced stays for those who read it, and no longer.
func TestReplacedBodyLingers(t *testing.T) {
	const linger = 5 * time.Minute
	sh := newShared(t)
	s := sh.open()
	for name, take := range map[string]func(){
		"replaced": func() { sh.put(s, "x", "new") },
		"deleted":  func() { s.Delete(ctx, key("x")) },
		"cleared":  func() { s.Clear(ctx, nil) },
	} {
		if err := sh.raw.FlushAll(ctx).Err(); err != nil {
			t.Fatal(err)
		}
		sh.put(s, "none", "") // which knows the epoch again
		sh.put(s, "x", long("x"))
		e, err := s.Open(ctx, key("x"))
		if err != nil {
			t.Fatal(err)
		}
		body := ""
		for _, k := range sh.keys() {
			if sh.raw.Type(ctx, k).Val() == "hash" {
				body = k
			}
		}
		ttl := func() time.Duration { return sh.raw.PTTL(ctx, body).Val() }
		if got := ttl(); got <= linger {
			t.Errorf("%s: lives for %v before it is", name, got)
		}
		take()
		if got := ttl(); got <= 0 || got > linger {
			t.Errorf("%s: lives for %v, want at most %v", name, got, linger)
		}
		sh.raw.PExpire(ctx, body, time.Minute)
		p := make([]byte, 1000)
		if n, err := e.ReadAt(p, 0); n != len(p) || err != nil {
			t.Errorf("%s: got %d, %v", name, n, err)
		}
		if got := ttl(); got <= time.Minute || got > linger {
			t.Errorf("%s: lives for %v after a reader came, want nearly %v", name, got, linger)
		}
		e.Close()
	}
}

// Whatever byte of a record is another, and wherever it ends, the entry is no other.
func TestDamagedRecord(t *testing.T) {
	sh := newShared(t)
	var logged syncBuffer
	s := open(t, redis.Config{
		URL: url(sh.rig), Timeout: 5 * time.Second,
		Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	sh.put(s, "x", "tail")
	record := sh.keys()[0]
	whole, err := sh.raw.Get(ctx, record).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, b []byte) {
		if err := sh.raw.Set(ctx, record, b, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		if body, ok := sh.get(s, "x"); ok {
			t.Errorf("%s: got %q, want a miss", what, body)
		}
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 0x55
		check(fmt.Sprintf("byte %d flipped", i), b)
		check(fmt.Sprintf("cut to %d bytes", i), whole[:i])
	}
	check("one byte more", append(bytes.Clone(whole), 0))
	if !strings.Contains(logged.String(), "damaged") {
		t.Error("nobody was told")
	}
	if err := sh.raw.Set(ctx, record, whole, time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	sh.want(s, "x", "tail")

	// Another entry's record under this one's key, as if their hashes were the same.
	sh.put(s, "y", "other")
	for _, k := range sh.keys() {
		if other := sh.raw.Get(ctx, k).Val(); strings.Contains(other, "other") {
			check("of another", []byte(other))
		}
	}
	if got := s.Failures(); got != 0 {
		t.Errorf("got %d failures of a server that has answered always", got)
	}
}

func TestDamagedBody(t *testing.T) {
	sh := newShared(t)
	for _, tt := range []struct {
		name   string
		damage func(body, field string, value []byte)
		want   neterr.Code
	}{
		{"flipped", func(body, field string, value []byte) {
			value[len(value)/2] ^= 1
			sh.raw.HSet(ctx, body, field, value)
		}, neterr.CacheChecksumMismatch},
		{"cut", func(body, field string, value []byte) {
			sh.raw.HSet(ctx, body, field, value[:100])
		}, neterr.CacheChecksumMismatch},
		{"missing", func(body, field string, _ []byte) {
			sh.raw.HDel(ctx, body, field)
		}, neterr.CacheReadFailure},
		{"evicted", func(body, _ string, _ []byte) {
			sh.raw.Del(ctx, body)
		}, neterr.CacheReadFailure},
		{"another type", func(body, _ string, _ []byte) {
			sh.raw.Set(ctx, body, "text", 0)
		}, neterr.CacheReadFailure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := sh.open()
			if err := sh.raw.FlushAll(ctx).Err(); err != nil {
				t.Fatal(err)
			}
			sh.put(s, "x", long("x"))
			e, err := s.Open(ctx, key("x"))
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for _, k := range sh.keys() {
				for field, value := range sh.raw.HGetAll(ctx, k).Val() {
					tt.damage(k, field, []byte(value))
				}
			}
			p := make([]byte, 1000)
			if n, err := e.ReadAt(p, 0); n != 0 || !errors.Is(err, tt.want) {
				t.Errorf("got %d, %v; want %v", n, err, tt.want)
			}
			if tt.name == "evicted" {
				sh.wantMiss(s, "x")
			}
			sh.put(s, "x", long("y"))
			sh.want(s, "x", long("y"))
		})
	}
}

// Keys that are no strings, no records, or others' under our prefix cost nobody anything.
func TestForeignKeys(t *testing.T) {
	sh := newShared(t)
	s := sh.open()
	sh.put(s, "x", "mine")
	record := sh.keys()[0]
	for _, name := range []string{"kaon:{", "kaon:{*}", "kaon:{" + strings.Repeat("x", 32) + "}", "other"} {
		sh.raw.LPush(ctx, name, "list")
		sh.raw.Set(ctx, name+"2", "text", 0)
	}
	sh.put(s, "y", "more")
	n := 0
	for _, err := range s.All(ctx) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Errorf("got %d entries, want 2", n)
	}
	sh.raw.Del(ctx, record)
	sh.raw.LPush(ctx, record, "list")
	sh.wantMiss(s, "x")
	if err := s.Delete(ctx, key("x")); err != nil {
		t.Errorf("delete: %v", err)
	}
	sh.put(s, "x", "again")
	sh.want(s, "x", "again")
	sh.raw.Del(ctx, record)
	sh.raw.HSet(ctx, record, "a", "b")
	sh.put(s, "x", "once more")
	sh.want(s, "x", "once more")
	if err := s.Clear(ctx, nil); err != nil {
		t.Fatal(err)
	}
	if sh.raw.Exists(ctx, "other", "other2").Val() != 2 {
		t.Error("another's keys are gone")
	}
	if got := s.Failures(); got != 0 {
		t.Errorf("got %d failures of a server that has answered always", got)
	}
}

// A server that is killed while entries are written and read, and comes back with
// nothing.
func TestRestart(t *testing.T) {
	sh := newShared(t)
	var logged syncBuffer
	s := open(t, redis.Config{URL: url(sh.rig), Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	sh.put(s, "small", "x")
	sh.put(s, "large", long("x"))
	reading, err := s.Open(ctx, key("large"))
	if err != nil {
		t.Fatal(err)
	}
	defer reading.Close()
	half := sh.begin(s, "half", long("h"))

	nettest.Eventually(t, "the server is back", func() bool { return sh.rig.Restart() == nil })
	nettest.Eventually(t, "the store asks again", func() bool {
		s.Delete(ctx, key("none"))
		sh.wantMiss(s, "small")
		return s.Delete(ctx, key("none")) == nil
	})
	sh.wantMiss(s, "large")
	if n, err := reading.ReadAt(make([]byte, 10), 0); n != 0 || !errors.Is(err, neterr.CacheReadFailure) {
		t.Errorf("read what the server forgot: got %d, %v", n, err)
	}
	if _, err := half.WriteAt([]byte(long("h")), int64(len(long("h")))); err != nil {
		t.Fatalf("write: %v", err)
	}
	if err := half.Commit(ctx); !errors.Is(err, neterr.CacheWriteFailure) {
		t.Errorf("commit of what the server forgot the half of: got %v", err)
	}
	sh.wantMiss(s, "half")
	sh.put(s, "half", long("new")) // by whoever comes next
	sh.want(s, "half", long("new"))
}

// Nobody waits for a server that is not there, and each is told once.
func TestServerDown(t *testing.T) {
	nettest.CheckGoroutines(t)
	addr := fmt.Sprintf("127.0.0.1:%d", nettest.FreePort(t))
	var logged syncBuffer
	s := open(t, redis.Config{
		URL: "redis://user:secret@" + addr, Logger: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	defer s.Close()
	for range 1000 {
		if _, err := s.Open(ctx, key("x")); err != store.ErrMiss {
			t.Fatalf("open: got %v, want a miss", err)
		}
		if _, err := s.Create(ctx, key("x")); !errors.Is(err, neterr.CacheCreateFailure) {
			t.Fatalf("create: got %v", err)
		}
	}
	if got := s.Failures(); got == 0 || got > 500 {
		t.Errorf("asked %d times, want few", got)
	}
	if got := strings.Count(logged.String(), "\n"); got != 1 || strings.Contains(logged.String(), "secret") {
		t.Errorf("logged %q, want one line", logged.String())
	}
	for name, err := range map[string]error{
		"delete": s.Delete(ctx, key("x")),
		"clear":  s.Clear(ctx, nil),
	} {
		if neterr.CodeOf(err) != neterr.CacheDoomFailure {
			t.Errorf("%s: got %v, want %v", name, err, neterr.CacheDoomFailure)
		}
	}
}

// A server that takes connections and never says anything costs one call its time, and
// the others nothing for a while.
func TestServerSilent(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	const timeout = 50 * time.Millisecond
	s := open(t, redis.Config{URL: "redis://" + ln.Addr().String(), Timeout: timeout})
	began := time.Now()
	for range 100 {
		if _, err := s.Open(ctx, key("x")); err != store.ErrMiss {
			t.Fatalf("open: got %v, want a miss", err)
		}
	}
	if took := time.Since(began); took > 50*timeout {
		t.Errorf("100 misses took %v, want about one timeout of %v", took, timeout)
	}
}

func TestContextEndsCall(t *testing.T) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := open(t, redis.Config{URL: "redis://" + ln.Addr().String(), Timeout: time.Minute})
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := s.Open(ctx, key("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the context ended", err)
	}
	if got := s.Failures(); got != 0 {
		t.Errorf("got %d failures of the server, want none: the caller gave up", got)
	}
}

func TestNew(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  redis.Config
	}{
		{"URL", redis.Config{URL: "http://user:secret@a.test"}},
		{"no URL", redis.Config{URL: "redis://user:secret@\x00"}},
		{"braces", redis.Config{Prefix: "{kaon}"}},
	} {
		_, err := redis.New(tt.cfg)
		if !errors.Is(err, neterr.InvalidArgument) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: got %v, want %v", tt.name, err, neterr.InvalidArgument)
		}
	}
	s := open(t, redis.Config{})
	if got := s.MaxEntrySize(); got != 32<<20 {
		t.Errorf("got %d, want 32 MiB", got)
	}
}

// Without room the server refuses writes: that is told, and what is there serves on.
func TestServerFull(t *testing.T) {
	rig := nettest.Redis(t, nettest.RedisConfig{Args: []string{"--maxmemory", "4mb", "--maxmemory-policy", "noeviction"}})
	sh := &shared{t, rig, goredis.NewClient(&goredis.Options{Addr: rig.Redis})}
	defer sh.raw.Close()
	s := sh.open()
	sh.put(s, "x", "there")
	e := sh.begin(s, "large", "")
	var err error
	for off := int64(0); off < 16<<20 && err == nil; off += 1 << 20 {
		_, err = e.WriteAt(make([]byte, 1<<20), off)
	}
	if !errors.Is(err, neterr.CacheWriteFailure) {
		t.Errorf("got %v, want %v", err, neterr.CacheWriteFailure)
	}
	if again := e.Commit(ctx); !errors.Is(again, neterr.CacheWriteFailure) {
		t.Errorf("commit: got %v", again)
	}
	e.Close()
	sh.want(s, "x", "there")
	sh.put(s, "y", "room again")
}
