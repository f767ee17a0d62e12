package disk_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
)

// The long forms of tests that come with a short one, as in
//
//	go test -run 'TestModel|TestKill|TestMillion' -long 1 -timeout 1h ./cache/disk
var long = flag.Int("long", 0, "run the long forms of tests, and the model for so many million operations")

// times is how often a test does what it does, which is few when nobody asked.
func times(few, many int) int {
	if *long > 0 {
		return many
	}
	return few
}

var ctx = context.Background()

func key(name string) *store.Key { return &store.Key{URL: "https://a.test/" + name} }

// head is a head with a name.
func head(name string, length int64) *store.Head {
	return &store.Head{
		Status: 200, StatusText: "OK", Proto: "HTTP/1.1", Length: length,
		Header: exchange.FieldsOf("Content-Type", "text/plain", "X-Name", name),
	}
}

// pattern fills p with what belongs at an offset of the body of a seed.
func pattern(p []byte, seed uint64, off int64) {
	var word [8]byte
	for i := 0; i < len(p); {
		at := off + int64(i)
		x := (seed+1)*0x9e3779b97f4a7c15 ^ uint64(at>>3)*0xbf58476d1ce4e5b9
		binary.LittleEndian.PutUint64(word[:], x^x>>29)
		i += copy(p[i:], word[at&7:])
	}
}

func bodyOf(seed uint64, n int) []byte {
	b := make([]byte, n)
	pattern(b, seed, 0)
	return b
}

func openStore(t testing.TB, cfg disk.Config) *disk.Store {
	t.Helper()
	s, err := disk.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func closeStore(t testing.TB, s *disk.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// put stores a whole entry whose head and body are made from a seed.
func put(s *disk.Store, k *store.Key, seed uint64, n int) error {
	e, err := s.Create(ctx, k)
	if err != nil {
		return err
	}
	defer e.Close()
	e.SetHead(head(strconv.FormatUint(seed, 10), int64(n)))
	b := bodyOf(seed, n)
	for off := 0; off < n; off += 30_000 {
		if _, err := e.WriteAt(b[off:min(off+30_000, n)], int64(off)); err != nil {
			return err
		}
	}
	return e.Commit(ctx)
}

func mustPut(t testing.TB, s *disk.Store, k *store.Key, seed uint64, n int) {
	t.Helper()
	if err := put(s, k, seed, n); err != nil {
		t.Fatalf("put %s: %v", k.URL, err)
	}
}

// get returns the seed of an entry that put stored, or what is wrong with it.
func get(s *disk.Store, k *store.Key) (seed uint64, err error) {
	e, err := s.Open(ctx, k)
	if err != nil {
		return 0, err
	}
	defer e.Close()
	seed, err = strconv.ParseUint(e.Head().Header.Get("X-Name"), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("not a head: %w", err)
	}
	b := make([]byte, e.Head().Length)
	if n, err := e.ReadAt(b, 0); n < len(b) && !errors.Is(err, io.EOF) || n == len(b) && err != nil && !errors.Is(err, io.EOF) {
		return seed, err
	}
	if !bytes.Equal(b, bodyOf(seed, len(b))) {
		return seed, fmt.Errorf("the body of %d is not its own", seed)
	}
	return seed, nil
}

func wantEntry(t testing.TB, s *disk.Store, k *store.Key, seed uint64) {
	t.Helper()
	if got, err := get(s, k); err != nil || got != seed {
		t.Errorf("open %s: got %d, %v; want %d", k.URL, got, err, seed)
	}
}

func wantMiss(t testing.TB, s *disk.Store, k *store.Key) {
	t.Helper()
	if got, err := get(s, k); !errors.Is(err, store.ErrMiss) {
		t.Errorf("open %s: got %d, %v; want a miss", k.URL, got, err)
	}
}

func wantReady(t testing.TB, s *disk.Store) {
	t.Helper()
	select {
	case <-s.Ready():
	case <-time.After(time.Minute):
		t.Fatal("the index is not complete after a minute")
	}
}
