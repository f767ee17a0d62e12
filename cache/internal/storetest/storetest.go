// Package storetest holds what store.Store promises as tests, the same for every store:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) store.Store { return mem.New(mem.Config{}) })
//	}
//
// It needs a store that keeps what it is given while a test runs, and entries of at
// least a mebibyte.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// Run tests the stores that open returns, each of them new and empty. Run closes them;
// open may register more with t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	tests := []struct {
		name string
		test func(*suite)
	}{
		{"Commit", testCommit},
		{"Keys", testKeys},
		{"Create", testCreate},
		{"LastCommitStays", testLastCommitStays},
		{"NotCommitted", testNotCommitted},
		{"Update", testUpdate},
		{"UpdateOfGone", testUpdateOfGone},
		{"Delete", testDelete},
		{"EntryDelete", testEntryDelete},
		{"Clear", testClear},
		{"ClearMatching", testClearMatching},
		{"All", testAll},
		{"Size", testSize},
		{"Extents", testExtents},
		{"ReadAt", testReadAt},
		{"WriteAt", testWriteAt},
		{"LargeBody", testLargeBody},
		{"MaxEntrySize", testMaxEntrySize},
		{"HeadAlone", testHeadAlone},
		{"CloseEntry", testCloseEntry},
		{"Close", testClose},
		{"ContextEnded", testContextEnded},
		{"ReadersOfWriter", testReadersOfWriter},
		{"Rivals", testRivals},
		{"ClearRace", testClearRace},
		{"CloseRace", testCloseRace},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("close the store: %v", err)
				}
			})
			tt.test(&suite{t, s})
		})
	}
}

// A suite is a store with the verbs of its tests.
type suite struct {
	*testing.T
	store store.Store
}

// ctx is not t.Context, which has ended when deferred calls run.
var ctx = context.Background()

func key(url string) *store.Key { return &store.Key{URL: "https://a.test/" + url} }

// head is a head with something of everything, told from others by name.
func head(name string) *store.Head {
	return &store.Head{
		Status: 200, StatusText: "OK", Proto: "HTTP/1.1",
		Header: exchange.FieldsOf("X-Name", name, "x-empty", "", "X-Twice", "1", "X-Twice", "2"),
		Length: -1, State: store.Truncated,
		RequestTime:  time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC),
		ResponseTime: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
		Vary:         exchange.FieldsOf("accept-language", "de"),
		RefreshBy:    time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC),
		Remote:       netip.MustParseAddrPort("[2001:db8::1]:443"),
	}
}

// body is n bytes that look like no others.
func body(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(b)
	return b
}

func (s *suite) create(k *store.Key) store.Entry {
	s.Helper()
	e, err := s.store.Create(ctx, k)
	if err != nil {
		s.Fatalf("create %q: %v", k.URL, err)
	}
	s.Cleanup(func() { e.Close() })
	return e
}

func (s *suite) open(k *store.Key) store.Entry {
	s.Helper()
	e, err := s.store.Open(ctx, k)
	if err != nil {
		s.Fatalf("open %q: %v", k.URL, err)
	}
	s.Cleanup(func() { e.Close() })
	return e
}

// put stores a whole entry.
func (s *suite) put(k *store.Key, h *store.Head, b []byte) {
	s.Helper()
	e := s.create(k)
	e.SetHead(h)
	s.write(e, b, 0)
	s.commit(e)
	s.close(e)
}

func (s *suite) write(e store.Entry, b []byte, off int64) {
	s.Helper()
	if n, err := e.WriteAt(b, off); n != len(b) || err != nil {
		s.Fatalf("write %d bytes at %d: got %d, %v", len(b), off, n, err)
	}
}

func (s *suite) commit(e store.Entry) {
	s.Helper()
	if err := e.Commit(ctx); err != nil {
		s.Fatalf("commit: %v", err)
	}
}

func (s *suite) close(e store.Entry) {
	s.Helper()
	if err := e.Close(); err != nil {
		s.Fatalf("close: %v", err)
	}
}

// wantMiss is that nothing is stored under k.
func (s *suite) wantMiss(k *store.Key) {
	s.Helper()
	e, err := s.store.Open(ctx, k)
	if err == nil {
		e.Close()
	}
	if !errors.Is(err, store.ErrMiss) {
		s.Errorf("open %q: got %v, want a miss", k.URL, err)
	}
}

// want is that k is stored, with this head and this body.
func (s *suite) want(k *store.Key, h *store.Head, b []byte) {
	s.Helper()
	e, err := s.store.Open(ctx, k)
	if err != nil {
		s.Errorf("open %q: %v", k.URL, err)
		return
	}
	defer e.Close()
	s.wantEntry(e, h, b)
}

// wantEntry is that e has this head and this body from its beginning.
func (s *suite) wantEntry(e store.Entry, h *store.Head, b []byte) {
	s.Helper()
	if got := e.Head(); !reflect.DeepEqual(got, h) {
		s.Errorf("head: got %+v, want %+v", got, h)
	}
	extents := []store.Extent{{Len: int64(len(b))}}
	if len(b) == 0 {
		extents = nil
	}
	s.wantExtents(e, extents...)
	s.wantRead(e, 0, b, io.EOF)
}

func (s *suite) wantExtents(e store.Entry, want ...store.Extent) {
	s.Helper()
	if got := e.Extents(nil); !slices.Equal(got, want) {
		s.Errorf("extents: got %v, want %v", got, want)
	}
}

// wantRead is that reading on from off gives b, then end, however the bytes are asked
// for.
func (s *suite) wantRead(e store.Entry, off int64, b []byte, end error) {
	s.Helper()
	got := make([]byte, len(b))
	if n, err := e.ReadAt(got, off); n != len(b) || err != nil && !errors.Is(err, end) || !bytes.Equal(got, b) {
		s.Errorf("read %d bytes at %d: got %d, %v, as written: %v", len(b), off, n, err, bytes.Equal(got, b))
		return
	}
	got = make([]byte, len(b)+7)
	if n, err := e.ReadAt(got, off); n != len(b) || !errors.Is(err, end) || !bytes.Equal(got[:n], b) {
		s.Errorf("read %d bytes at %d: got %d, %v; want %d, %v", len(got), off, n, err, len(b), end)
	}
	if n, err := e.ReadAt(got[:1], off+int64(len(b))); n != 0 || !errors.Is(err, end) {
		s.Errorf("read at %d: got %d, %v; want 0, %v", off+int64(len(b)), n, err, end)
	}
}

// wantCode is that an error is not that something is missing, and has a code.
func (s *suite) wantCode(what string, err error) {
	s.Helper()
	if err == nil || errors.Is(err, store.ErrMiss) || neterr.CodeOf(err) == neterr.Failed {
		s.Errorf("%s: got %v, want an error with a code", what, err)
	}
}
