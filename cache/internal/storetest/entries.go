package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

func testCommit(s *suite) {
	k, h, b := key("a"), head("a"), body(1, 1000)
	s.wantMiss(k)
	e := s.create(k)
	if got := e.Head(); got != nil {
		s.Errorf("head of a new entry: got %+v, want nil", got)
	}
	s.wantExtents(e)
	e.SetHead(h)
	s.write(e, b[:300], 0)
	s.write(e, b[300:], 300)
	s.wantEntry(e, h, b)
	s.wantMiss(k)
	s.commit(e)
	s.want(k, h, b)
	s.wantEntry(e, h, b)
	s.close(e)
	s.want(k, h, b)
	if err := s.store.Flush(ctx); err != nil {
		s.Errorf("flush: %v", err)
	}
	s.want(k, h, b)
}

// testKeys has keys that differ in one thing each, or look the same when run together.
func testKeys(s *suite) {
	a, b := origin.Site{Scheme: "https", Domain: "a.test"}, origin.Site{Scheme: "https", Domain: "b.test"}
	keys := []store.Key{
		{},
		{URL: "https://a.test/"},
		{URL: "https://a.test/\x00"},
		{URL: "https://a.test/\xff\r\n{*}?"},
		{URL: "https://a.test/" + strings.Repeat("x", 5000)},
		{URL: "https://a.test/" + strings.Repeat("x", 5001)},
		{URL: "https://a.test/", Variant: 1},
		{URL: "https://a.test/", Variant: math.MaxUint64},
		{URL: "https://a.test/", Upload: 1},
		{URL: "https://a.test/", Upload: math.MinInt64},
		{URL: "https://a.test/", Anonymous: true},
		{URL: "https://a.test/", Partition: origin.NewKey(a, a)},
		{URL: "https://a.test/", Partition: origin.NewKey(a, b)},
		{URL: "https://a.test/", Partition: origin.NewKey(b, a)},
		{URL: "https://a.test/", Partition: origin.NewKey(origin.Site{}, origin.Site{})},
	}
	for i := range keys {
		s.put(&keys[i], head(fmt.Sprint(i)), body(uint64(i), 10+i))
	}
	for i := range keys {
		s.want(&keys[i], head(fmt.Sprint(i)), body(uint64(i), 10+i))
	}
	for i := range keys {
		if err := s.store.Delete(ctx, &keys[i]); err != nil {
			s.Fatalf("delete: %v", err)
		}
		s.wantMiss(&keys[i])
		if i+1 < len(keys) {
			s.want(&keys[i+1], head(fmt.Sprint(i+1)), body(uint64(i+1), 11+i))
		}
	}
	nonce := &store.Key{URL: "https://a.test/", Partition: origin.NewNonceKey(a, a, "n")}
	_, err := s.store.Create(ctx, nonce)
	s.wantCode("create with a nonce", err)
	s.wantMiss(nonce)
}

func testCreate(s *suite) {
	k := key("a")
	s.put(k, head("old"), body(1, 200_000))
	old := s.open(k)
	e := s.create(k)
	e.SetHead(head("new"))
	s.write(e, body(2, 100), 0)
	s.want(k, head("old"), body(1, 200_000))
	s.commit(e)
	s.want(k, head("new"), body(2, 100))
	s.wantEntry(old, head("old"), body(1, 200_000))
	s.close(e)
	s.wantEntry(old, head("old"), body(1, 200_000))
}

func testLastCommitStays(s *suite) {
	k := key("a")
	first, second := s.create(k), s.create(k)
	for i, e := range []store.Entry{first, second} {
		e.SetHead(head(fmt.Sprint(i)))
		s.write(e, body(uint64(i), 1000), 0)
	}
	s.commit(second)
	s.want(k, head("1"), body(1, 1000))
	s.commit(first)
	s.want(k, head("0"), body(0, 1000))
	s.wantEntry(second, head("1"), body(1, 1000))
	s.close(second)
	s.close(first)
	s.want(k, head("0"), body(0, 1000))
}

func testNotCommitted(s *suite) {
	k := key("a")
	e := s.create(k)
	e.SetHead(head("a"))
	s.write(e, body(1, 100_000), 0)
	s.close(e)
	s.wantMiss(k)

	s.put(k, head("b"), body(2, 10))
	e = s.create(k)
	e.SetHead(head("c"))
	s.write(e, body(3, 100_000), 0)
	s.close(e)
	s.want(k, head("b"), body(2, 10))
}

// testUpdate adds to an entry that is stored.
func testUpdate(s *suite) {
	k, b := key("a"), body(1, 150_000)
	s.put(k, head("a"), b[:70_000])

	e := s.open(k)
	e.SetHead(head("b"))
	s.write(e, b[70_000:100_000], 70_000)
	s.wantEntry(e, head("b"), b[:100_000])
	s.want(k, head("a"), b[:70_000])
	s.close(e)
	s.want(k, head("a"), b[:70_000])

	e = s.open(k)
	s.write(e, b[70_000:], 70_000)
	s.commit(e)
	s.want(k, head("a"), b)
	reader := s.open(k)
	e.SetHead(head("b"))
	if got := e.Head().Header.Get("X-Name"); got != "b" {
		s.Errorf("head after SetHead: got %q, want b", got)
	}
	s.want(k, head("a"), b)
	s.commit(e)
	s.want(k, head("b"), b)
	s.close(e)
	s.wantRead(reader, 0, b, io.EOF)
	s.want(k, head("b"), b)
}

// testUpdateOfGone adds to entries that were deleted or replaced meanwhile. They do not
// come back, whatever Commit says of it.
func testUpdateOfGone(s *suite) {
	k := key("a")
	s.put(k, head("a"), body(1, 10))
	e := s.open(k)
	if err := s.store.Delete(ctx, k); err != nil {
		s.Fatalf("delete: %v", err)
	}
	e.SetHead(head("b"))
	e.Commit(ctx)
	s.wantMiss(k)
	s.close(e)
	s.wantMiss(k)

	s.put(k, head("c"), body(2, 10))
	e = s.open(k)
	s.put(k, head("d"), body(3, 10))
	e.SetHead(head("e"))
	e.Commit(ctx)
	s.close(e)
	s.want(k, head("d"), body(3, 10))

	e = s.create(k)
	e.SetHead(head("f"))
	s.commit(e)
	if err := e.Delete(ctx); err != nil {
		s.Fatalf("delete: %v", err)
	}
	e.Commit(ctx)
	s.wantMiss(k)
}

func testDelete(s *suite) {
	k, b := key("a"), body(1, 300_000)
	if err := s.store.Delete(ctx, k); err != nil {
		s.Errorf("delete nothing: %v", err)
	}
	s.put(k, head("a"), b)
	s.put(key("b"), head("b"), body(2, 10))
	e := s.open(k)
	if err := s.store.Delete(ctx, k); err != nil {
		s.Errorf("delete: %v", err)
	}
	s.wantMiss(k)
	s.wantEntry(e, head("a"), b)
	s.want(key("b"), head("b"), body(2, 10))
	s.put(k, head("c"), body(3, 10))
	s.want(k, head("c"), body(3, 10))
	s.wantEntry(e, head("a"), b)
	s.close(e)
	s.want(k, head("c"), body(3, 10))
}

func testEntryDelete(s *suite) {
	k := key("a")
	s.put(k, head("a"), body(1, 100_000))
	e, old := s.open(k), s.open(k)
	if err := e.Delete(ctx); err != nil {
		s.Errorf("delete: %v", err)
	}
	s.wantMiss(k)
	s.wantEntry(e, head("a"), body(1, 100_000))

	s.put(k, head("b"), body(2, 10))
	if err := old.Delete(ctx); err != nil {
		s.Errorf("delete what is another's by now: %v", err)
	}
	s.want(k, head("b"), body(2, 10))

	e = s.create(k)
	e.SetHead(head("c"))
	if err := e.Delete(ctx); err != nil {
		s.Errorf("delete what was not committed: %v", err)
	}
	s.want(k, head("b"), body(2, 10))
	e.Commit(ctx)
	s.close(e)
	s.want(k, head("b"), body(2, 10))
}

// testHeadAlone has entries without a body, among them what lists variants.
func testHeadAlone(s *suite) {
	for name, h := range map[string]*store.Head{
		"empty":    head("a"),
		"variants": {State: store.Variants, Vary: head("a").Vary},
		"nothing":  {},
	} {
		e := s.create(key(name))
		e.SetHead(h)
		s.commit(e)
		s.close(e)
		s.want(key(name), h, nil)
	}
	e := s.create(key("headless"))
	s.write(e, []byte("x"), 0)
	s.wantCode("commit without a head", e.Commit(ctx))
	s.close(e)
	s.wantMiss(key("headless"))
}

func testCloseEntry(s *suite) {
	k := key("a")
	s.put(k, head("a"), body(1, 10))
	e := s.open(k)
	s.close(e)
	s.close(e)
	if n, err := e.ReadAt(make([]byte, 1), 0); n != 0 || err == nil || errors.Is(err, io.EOF) {
		s.Errorf("read from a closed entry: got %d, %v", n, err)
	}
	s.wantCode("commit a closed entry", e.Commit(ctx))
	if _, err := e.WriteAt([]byte("x"), 10); err == nil {
		s.Error("wrote to a closed entry")
	}
	s.want(k, head("a"), body(1, 10))
}

func testClose(s *suite) {
	k := key("a")
	s.put(k, head("a"), body(1, 100_000))
	e, begun := s.open(k), s.create(key("b"))
	begun.SetHead(head("b"))
	if err := s.store.Close(); err != nil {
		s.Fatalf("close: %v", err)
	}
	if err := s.store.Close(); err != nil {
		s.Errorf("close again: %v", err)
	}
	_, err := s.store.Open(ctx, k)
	s.wantCode("open", err)
	_, err = s.store.Open(ctx, key("none"))
	s.wantCode("open what is not there", err)
	_, err = s.store.Create(ctx, k)
	s.wantCode("create", err)
	s.wantCode("delete", s.store.Delete(ctx, k))
	s.wantCode("clear", s.store.Clear(ctx, nil))
	s.wantCode("flush", s.store.Flush(ctx))
	_, err = s.store.Size(ctx)
	s.wantCode("size", err)
	err = nil
	for _, err = range s.store.All(ctx) {
		if err == nil {
			s.Error("something is stored yet")
		}
	}
	s.wantCode("all", err)
	n, err := e.ReadAt(make([]byte, 10), 0)
	s.wantCode("read", err)
	if n != 0 {
		s.Errorf("read %d bytes", n)
	}
	_, err = begun.WriteAt([]byte("x"), 0)
	s.wantCode("write", err)
	s.wantCode("commit", begun.Commit(ctx))
	if err := e.Close(); err != nil {
		s.Errorf("close an entry: %v", err)
	}
	begun.Close()
}

// testContextEnded calls with a context that has ended: what is asked happens, or the
// error says why not. What is there is no miss, and nothing happens by half.
func testContextEnded(s *suite) {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	check := func(what string, err error) {
		if err != nil && !errors.Is(err, context.Canceled) {
			s.Errorf("%s: got %v, want nothing or the context's error", what, err)
		}
	}
	k := key("a")
	s.put(k, head("a"), body(1, 100_000))
	e, err := s.store.Open(ended, k)
	check("open", err)
	if err == nil {
		s.wantEntry(e, head("a"), body(1, 100_000))
		e.Close()
	}
	e, err = s.store.Create(ended, k)
	check("create", err)
	if err == nil {
		e.SetHead(head("b"))
		s.write(e, body(2, 10), 0)
		err = e.Commit(ended)
		check("commit", err)
		e.Close()
	}
	if err == nil {
		s.want(k, head("b"), body(2, 10))
	} else {
		s.want(k, head("a"), body(1, 100_000))
	}
	_, err = s.store.Size(ended)
	check("size", err)
	for _, err := range s.store.All(ended) {
		check("all", err)
	}
	check("flush", s.store.Flush(ended))
	err = s.store.Clear(ended, func(i *store.Info) bool { return false })
	check("clear nothing", err)
	if e, err := s.store.Open(ctx, k); err != nil {
		s.Errorf("open afterwards: %v", err)
	} else {
		e.Close()
	}
	err = s.store.Delete(ended, k)
	check("delete", err)
	if err == nil {
		s.wantMiss(k)
	}
}

func testMaxEntrySize(s *suite) {
	limit := s.store.MaxEntrySize()
	if limit < 1<<20 {
		s.Fatalf("got %d, want at least a mebibyte for these tests", limit)
	}
	s.put(key("a"), head("a"), body(1, 10))
	for _, tt := range []struct {
		n   int
		off int64
	}{{1, limit}, {2, limit - 1}, {1, math.MaxInt64}} {
		e := s.create(key("a"))
		e.SetHead(head("b"))
		if n, err := e.WriteAt(make([]byte, tt.n), tt.off); n != 0 || !errors.Is(err, neterr.FileTooBig) {
			s.Errorf("write %d bytes at %d of at most %d: got %d, %v", tt.n, tt.off, limit, n, err)
		}
		s.close(e)
		s.want(key("a"), head("a"), body(1, 10))
	}
	e := s.create(key("a"))
	e.SetHead(head("c"))
	s.write(e, []byte("xy"), limit-2)
	s.commit(e)
	s.close(e)
	e = s.open(key("a"))
	s.wantExtents(e, store.Extent{Off: limit - 2, Len: 2})
	s.wantRead(e, limit-2, []byte("xy"), io.EOF)
}
