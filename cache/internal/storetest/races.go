package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/kaon-net/kaon/cache/store"
)

// testReadersOfWriter reads an entry while it is written: whatever the extents say is
// there can be read.
func testReadersOfWriter(s *suite) {
	b := body(1, 400_000)
	e := s.create(key("a"))
	var done atomic.Bool
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			p := make([]byte, len(b))
			var extents []store.Extent
			for last := false; !last; {
				last = done.Load()
				extents = e.Extents(extents[:0])
				for _, x := range extents {
					off := x.End() - min(x.Len, 5000)
					n := int(x.End() - off)
					got, err := e.ReadAt(p[:n], off)
					if got != n || err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(p[:n], b[off:x.End()]) {
						s.Errorf("read %d bytes at %d of %v: got %d, %v, or others", n, off, extents, got, err)
						return
					}
				}
				if h := e.Head(); h != nil && h.Status != 200 {
					s.Errorf("got the head %+v", h)
				}
			}
		})
	}
	e.SetHead(head("a"))
	const piece = 2000
	for off := 0; off < len(b)/2; off += piece {
		s.write(e, b[off:off+piece], int64(off))
		back := len(b) - off - piece // from both ends
		s.write(e, b[back:back+piece], int64(back))
		if off%(20*piece) == 0 {
			s.commit(e)
		}
	}
	s.commit(e)
	done.Store(true)
	wg.Wait()
	s.want(key("a"), head("a"), b)
}

// testRivals has many do everything with few entries. Each says in its head what its
// body is: nobody may ever see another's.
func testRivals(s *suite) {
	const keys, rounds = 4, 60
	var wg sync.WaitGroup
	for id := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(id)))
			for round := range rounds {
				k := key(fmt.Sprint(r.IntN(keys)))
				var err error
				switch r.IntN(8) {
				case 0:
					err = s.store.Delete(ctx, k)
				case 1:
					odd := func(i *store.Info) bool { return i.Size%2 == 1 }
					err = s.store.Clear(ctx, odd)
				case 2, 3:
					err = s.rivalWrites(k, uint64(1+id*rounds+round), 100+r.IntN(100_000))
				default:
					err = s.rivalReads(k, r.IntN(10) == 0)
				}
				if err != nil {
					s.Errorf("%v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	for i := range keys {
		if err := s.rivalReads(key(fmt.Sprint(i)), false); err != nil {
			s.Errorf("in the end: %v", err)
		}
	}
}

func (s *suite) rivalWrites(k *store.Key, seed uint64, n int) error {
	e, err := s.store.Create(ctx, k)
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	defer e.Close()
	h := head(strconv.FormatUint(seed, 10))
	h.Length = int64(n)
	e.SetHead(h)
	b := body(seed, n)
	for off := 0; off < n; off += 10_000 {
		end := min(off+10_000, n)
		if _, err := e.WriteAt(b[off:end], int64(off)); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	if err := e.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (s *suite) rivalReads(k *store.Key, andDeletes bool) error {
	e, err := s.store.Open(ctx, k)
	if errors.Is(err, store.ErrMiss) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer e.Close()
	h := e.Head()
	seed, err := strconv.ParseUint(h.Header.Get("X-Name"), 10, 64)
	if err != nil {
		return err
	}
	got := make([]byte, h.Length)
	if n, err := e.ReadAt(got, 0); n != len(got) || err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %d bytes: got %d, %w", len(got), n, err)
	}
	if !bytes.Equal(got, body(seed, len(got))) {
		return fmt.Errorf("the body of %d is not its own", seed)
	}
	if andDeletes {
		return e.Delete(ctx)
	}
	return nil
}

// testClearRace clears while others store: whoever began before is gone.
func testClearRace(s *suite) {
	for round := range 20 {
		var begun [8]store.Entry
		for i := range begun {
			begun[i] = s.create(key(fmt.Sprint(i)))
			begun[i].SetHead(head("a"))
			s.write(begun[i], body(uint64(round), 100), 0)
		}
		var wg sync.WaitGroup
		for _, e := range begun {
			wg.Go(func() { e.Commit(ctx) })
		}
		if err := s.store.Clear(ctx, nil); err != nil {
			s.Fatalf("clear: %v", err)
		}
		wg.Wait()
		for i, e := range begun {
			s.wantMiss(key(fmt.Sprint(i)))
			e.Close()
		}
	}
}

// testCloseRace closes the store and an entry under those who use them.
func testCloseRace(s *suite) {
	b := body(1, 100_000)
	s.put(key("a"), head("a"), b)
	shared := s.open(key("a"))
	var wg sync.WaitGroup
	for id := range 4 {
		wg.Go(func() {
			for range 100 {
				e, err := s.store.Open(ctx, key("a"))
				if err != nil {
					return
				}
				p := make([]byte, len(b))
				for _, r := range []store.Entry{e, shared} {
					if n, _ := r.ReadAt(p, 0); !bytes.Equal(p[:n], b[:n]) {
						s.Errorf("read others than were written")
					}
				}
				e.Close()
				if s.rivalWrites(key(fmt.Sprint(id)), 1, 1000) != nil {
					return
				}
			}
		})
	}
	s.close(shared)
	if err := s.store.Close(); err != nil {
		s.Errorf("close: %v", err)
	}
	wg.Wait()
}
