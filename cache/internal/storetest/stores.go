package storetest

import (
	"fmt"
	"time"

	"github.com/kaon-net/kaon/cache/store"
)

func testClear(s *suite) {
	for i := range 50 {
		s.put(key(fmt.Sprint(i)), head("a"), body(uint64(i), 100*i))
	}
	e, begun, over := s.open(key("40")), s.create(key("begun")), s.create(key("3"))
	for _, b := range []store.Entry{begun, over} {
		b.SetHead(head("b"))
		s.write(b, body(1, 100), 0)
	}
	if err := s.store.Clear(ctx, nil); err != nil {
		s.Fatalf("clear: %v", err)
	}
	for i := range 50 {
		s.wantMiss(key(fmt.Sprint(i)))
	}
	s.wantEntry(e, head("a"), body(40, 4000))
	begun.Commit(ctx)
	over.Commit(ctx)
	s.wantMiss(key("begun"))
	s.wantMiss(key("3"))
	s.close(begun)
	s.wantMiss(key("begun"))
	for info, err := range s.store.All(ctx) {
		s.Errorf("after all is cleared: got %v, %v", info, err)
	}
	s.put(key("begun"), head("c"), body(2, 100))
	s.want(key("begun"), head("c"), body(2, 100))
}

func testClearMatching(s *suite) {
	for i := range 50 {
		s.put(&store.Key{URL: "https://a.test/", Variant: uint64(i)}, head("a"), body(uint64(i), 100*i))
	}
	begun := s.create(key("begun"))
	begun.SetHead(head("b"))
	even := func(i *store.Info) bool { return i.Key.Variant%2 == 0 }
	if err := s.store.Clear(ctx, even); err != nil {
		s.Fatalf("clear: %v", err)
	}
	for i := range 50 {
		if k := (&store.Key{URL: "https://a.test/", Variant: uint64(i)}); i%2 == 0 {
			s.wantMiss(k)
		} else {
			s.want(k, head("a"), body(uint64(i), 100*i))
		}
	}
	s.commit(begun)
	s.want(key("begun"), head("b"), nil)
	if err := s.store.Clear(ctx, func(*store.Info) bool { return true }); err != nil {
		s.Fatalf("clear: %v", err)
	}
	for info, err := range s.store.All(ctx) {
		s.Errorf("after all is cleared: got %v, %v", info, err)
	}
}

func testAll(s *suite) {
	for info, err := range s.store.All(ctx) {
		s.Errorf("of an empty store: got %v, %v", info, err)
	}
	const soon = 2 * time.Second // a store may keep seconds only
	before := time.Now().Add(-soon)
	for i := range 100 {
		s.put(key(fmt.Sprint(i)), head("a"), body(uint64(i), i))
	}
	s.create(key("not committed")).SetHead(head("b"))
	seen := make(map[store.Key]bool)
	for info, err := range s.store.All(ctx) {
		if err != nil {
			s.Fatal(err)
		}
		if seen[info.Key] {
			s.Errorf("%q comes twice", info.Key.URL)
		}
		seen[info.Key] = true
		if info.Size <= 0 {
			s.Errorf("%q takes %d bytes", info.Key.URL, info.Size)
		}
		if info.LastUsed.Before(before) || info.LastUsed.After(time.Now().Add(soon)) {
			s.Errorf("%q was last used at %v, now is %v", info.Key.URL, info.LastUsed, time.Now())
		}
	}
	for i := range 100 {
		if !seen[*key(fmt.Sprint(i))] {
			s.Errorf("%d is missing", i)
		}
	}
	if len(seen) != 100 {
		s.Errorf("got %d entries, want 100", len(seen))
	}
	n := 0
	for range s.store.All(ctx) {
		if n++; n == 3 {
			break
		}
	}
	for info, err := range s.store.All(ctx) { // a store may be used meanwhile
		if err != nil {
			s.Fatal(err)
		}
		k := info.Key
		if err := s.store.Delete(ctx, &k); err != nil {
			s.Fatal(err)
		}
		s.wantMiss(&k)
	}
}

func testSize(s *suite) {
	size := func() int64 {
		s.Helper()
		n, err := s.store.Size(ctx)
		if err != nil {
			s.Fatalf("size: %v", err)
		}
		var sum int64
		for info, err := range s.store.All(ctx) {
			if err != nil {
				s.Fatal(err)
			}
			sum += info.Size
		}
		if sum != n {
			s.Errorf("size: got %d, but entries take %d", n, sum)
		}
		return n
	}
	if n := size(); n != 0 {
		s.Errorf("an empty store takes %d bytes", n)
	}
	s.put(key("a"), head("a"), body(1, 100_000))
	one := size()
	if one <= 100_000 {
		s.Errorf("100000 bytes with head and key take %d", one)
	}
	s.put(key("b"), head("a"), body(2, 200_000))
	if n := size(); n < one+200_000 {
		s.Errorf("with 200000 more: got %d after %d", n, one)
	}
	s.put(key("b"), head("a"), body(3, 100_000)) // replaced
	if n := size(); n < one || n > one+150_000 {
		s.Errorf("with 100000 in place of 200000: got %d after %d", n, one)
	}
	if err := s.store.Delete(ctx, key("b")); err != nil {
		s.Fatal(err)
	}
	if n := size(); n != one {
		s.Errorf("with one deleted: got %d, want %d", n, one)
	}
	e := s.open(key("a"))
	s.write(e, body(4, 100_000), 100_000)
	s.commit(e)
	if n := size(); n < one+100_000 {
		s.Errorf("with 100000 added: got %d after %d", n, one)
	}
	if err := e.Delete(ctx); err != nil {
		s.Fatal(err)
	}
	if n := size(); n != 0 {
		s.Errorf("with all deleted: got %d, want 0", n)
	}
	s.put(key("c"), head("a"), body(1, 10))
	if err := s.store.Clear(ctx, nil); err != nil {
		s.Fatal(err)
	}
	if n := size(); n != 0 {
		s.Errorf("with all cleared: got %d, want 0", n)
	}
}
