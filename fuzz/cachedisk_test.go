package fuzz_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// FuzzCacheSegment opens a store whose segment file is anything. Whatever entry is found,
// it can be read without harm, and Verify agrees; with mend, the checksums of what stands
// where a record was are made right, so that what they guard is reached as well: what is
// found then need not be what was stored.
func FuzzCacheSegment(f *testing.F) {
	dir := f.TempDir()
	names, bodies := fillSegment(f, dir)
	segment := filepath.Join(dir, "log-00000001.kaon")
	good, err := os.ReadFile(segment)
	if err != nil {
		f.Fatal(err)
	}
	format, err := os.ReadFile(filepath.Join(dir, "format.kaon"))
	if err != nil {
		f.Fatal(err)
	}
	// Inputs are what to change the good one by, since it has a secret that is another
	// each time.
	f.Add(make([]byte, len(good)), true)
	f.Add([]byte{}, false)
	f.Add(make([]byte, 300), false)
	f.Add(append(make([]byte, 200), 1, 2, 3), true)
	f.Add(append(make([]byte, 84), 255, 255, 255, 255), true)
	f.Add(append(make([]byte, 60), 1), true)
	f.Fuzz(func(t *testing.T, change []byte, mend bool) {
		b := bytes.Clone(good)
		for i, c := range change {
			if i == len(b) {
				b = append(b, change[i:]...)
				break
			}
			b[i] ^= c
		}
		if mend {
			mendRecords(good, b)
		}
		dir := fastDir(t)
		for name, content := range map[string][]byte{"log-00000001.kaon": b, "format.kaon": format} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := disk.Open(disk.Config{Dir: dir, Size: 16 << 20})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		for info, err := range s.All(context.Background()) { // waits for the index
			if err != nil {
				t.Fatal(err)
			}
			readCached(t, s, info.Key)
		}
		if mend {
			return
		}
		for i, name := range names {
			got, ok := readCached(t, s, store.Key{URL: name})
			if ok && !bytes.Equal(got, bodies[i]) {
				t.Errorf("%s: got %q, want %q or a miss", name, got, bodies[i])
			}
		}
		err = s.Verify(context.Background(), func(info *store.Info, damage error) {
			if damage != nil {
				t.Errorf("%s: %v after all was read", info.Key.URL, damage)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// fastDir is a directory in memory, where there is such a thing: a store syncs its files.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "kaon-fuzz-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// fillSegment makes a store in dir.
func fillSegment(f *testing.F, dir string) (names []string, bodies [][]byte) {
	s, err := disk.Open(disk.Config{Dir: dir, Size: 16 << 20})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	for i, body := range []string{"", "one", "some more bytes than that"} {
		names, bodies = append(names, "https://a.test/"+strconv.Itoa(i)), append(bodies, []byte(body))
		e, err := s.Create(context.Background(), &store.Key{URL: names[i]})
		if err != nil {
			f.Fatal(err)
		}
		e.SetHead(&store.Head{Status: 200, Header: exchange.FieldsOf("X", "y")})
		if _, err := e.WriteAt([]byte(body), 0); err != nil {
			f.Fatal(err)
		}
		if err := e.Commit(context.Background()); err != nil {
			f.Fatal(err)
		}
		e.Close()
	}
	return names, bodies
}

// mendRecords makes the marks and checksums of records right, of those that good has.
func mendRecords(good, b []byte) {
	le := binary.LittleEndian
	sum := func(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }
	const fileHeader, header, trailer = 40, 64, 24
	for at := fileHeader; at+header <= len(good); at += int(le.Uint32(good[at+16:])) {
		copy(b[at:], good[at:at+8])
		size, key := int(le.Uint32(b[at+16:])), int(le.Uint32(b[at+40:]))
		if size < header+trailer || size > len(b)-at || key > size-header-trailer {
			continue
		}
		le.PutUint32(b[at+12:], sum(b[at+header+key:at+size-trailer]))
		le.PutUint32(b[at+8:], sum(b[at+12:at+header+key]))
	}
}

// readCached reads all there is of an entry. ok is false if it is a miss.
func readCached(t *testing.T, s *disk.Store, key store.Key) (body []byte, ok bool) {
	e, err := s.Open(context.Background(), &key)
	if errors.Is(err, store.ErrMiss) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if e.Head() == nil {
		t.Fatal("an entry without a head")
	}
	for _, x := range e.Extents(nil) {
		b := make([]byte, min(x.Len, 1<<20))
		n, err := e.ReadAt(b, x.Off)
		if n < len(b) && neterr.CodeOf(err) != neterr.CacheChecksumMismatch {
			t.Fatalf("read %d bytes at %d: got %d, %v", len(b), x.Off, n, err)
		}
		body = append(body, b[:n]...)
	}
	return body, true
}
