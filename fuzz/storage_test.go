package fuzz_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/session/storage"
)

// storageKinds are those that a session has, with nothing in them.
func storageKinds(t testing.TB) []storage.Kind {
	cookies, err := storage.CookieKind(cookiejar.New(cookiejar.Config{}), storage.CookieOptions{
		Keys: [][]byte{make([]byte, storage.KeySize)}, Session: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return []storage.Kind{
		cookies, storage.HSTSKind(hsts.New(hsts.Config{})),
		storage.AltSvcKind(altsvc.NewStore(altsvc.Config{})), storage.HostCacheKind(hostcache.New(0)),
	}
}

// FuzzStorageRecord reads any record of any kind. One that is believed is written in a way
// that is believed wholly, and means the same.
func FuzzStorageRecord(f *testing.F) {
	jar := cookiejar.New(cookiejar.Config{})
	if err := jar.Set(cookiejar.Details{URL: "https://www.example/", Name: "name", Value: "value", Expires: time.Now().Add(1000 * time.Hour)}); err != nil {
		f.Fatal(err)
	}
	plain, err := storage.CookieKind(jar, storage.CookieOptions{})
	if err != nil {
		f.Fatal(err)
	}
	for key, value := range plain.Records.Changes(true) {
		f.Add(uint8(0), key, value)
	}
	f.Add(uint8(1), "www.example", []byte("\x01\x80\x80\xd0\xa0\xc8\xc2\xbe\x0c\x02"))
	f.Add(uint8(2), "s\x05https\x03a.b\xbb\x03\x00", []byte("\x01\x02h3\x00\xbb\x03\x80\x80\xd0\xa0\xc8\xc2\xbe\x0c"))
	f.Add(uint8(3), "\x03a.b\x00\x00\x00\x00\x00", []byte("\x80\x80\xd0\xa0\xc8\xc2\xbe\x0c\x00\x00\x00\x01\x04\x7f\x00\x00\x01\x00"))
	f.Fuzz(func(t *testing.T, kind uint8, key string, value []byte) {
		kinds, again := storageKinds(t), storageKinds(t)
		from, to := kinds[int(kind)%len(kinds)].Records, again[int(kind)%len(kinds)].Records
		from.Restore(maps.All(map[string][]byte{key: value}))
		written := from.Changes(true)
		maps.DeleteFunc(written, func(_ string, value []byte) bool { return value == nil })
		if len(written) > 1 {
			t.Fatalf("one record became %d", len(written))
		}
		if got := to.Restore(maps.All(written)); got.Lost > 0 {
			t.Errorf("%q: %q was written, and not read", written, value)
		}
		if got := to.Changes(true); !slices.Equal(slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(written))) {
			t.Errorf("wrote %q, and then %q", written, got)
		}
	})
}

// FuzzStorageFile opens a session's file that was cut and written over. Opened again, it is
// a good one.
func FuzzStorageFile(f *testing.F) {
	good := storageFile(f)
	f.Add(uint32(0), uint32(0), []byte{})
	f.Add(uint32(0), uint32(8), []byte{0x02})
	f.Add(uint32(0), uint32(4*4096+8), []byte{0x01})
	f.Add(uint32(20_000), uint32(0), []byte("text"))
	f.Fuzz(func(t *testing.T, cut, at uint32, over []byte) {
		file := slices.Clone(good[:len(good)-int(cut%uint32(len(good)+1))])
		if len(file) > 0 {
			copy(file[at%uint32(len(file)):], over)
		}
		dir := t.TempDir()
		state := filepath.Join(dir, "Network", "state.db")
		if err := errors.Join(os.MkdirAll(filepath.Dir(state), 0o700), os.WriteFile(state, file, 0o600)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			openStorage(t, dir, storageKinds(t)[0])
		}
		aside, err := filepath.Glob(state + ".damaged-*")
		if err != nil || len(aside) > 1 {
			t.Errorf("set aside %d times, %v", len(aside), err)
		}
		if len(aside) == 1 {
			if got, err := os.ReadFile(aside[0]); err != nil || !bytes.Equal(got, file) {
				t.Errorf("what was set aside is not what was there: %v", err)
			}
		}
	})
}

// storageFile is the file of a session with 30 cookies.
func storageFile(f *testing.F) []byte {
	jar := cookiejar.New(cookiejar.Config{})
	for i := range 30 {
		if err := jar.Set(cookiejar.Details{URL: "https://www.example/", Name: fmt.Sprint("name", i), Expires: time.Now().Add(1000 * time.Hour)}); err != nil {
			f.Fatal(err)
		}
	}
	kind, err := storage.CookieKind(jar, storage.CookieOptions{})
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	openStorage(f, dir, kind)
	file, err := os.ReadFile(filepath.Join(dir, "Network", "state.db"))
	if err != nil {
		f.Fatal(err)
	}
	return file
}

// openStorage opens dir, writes what there is, and closes it.
func openStorage(t testing.TB, dir string, kind storage.Kind) {
	store, err := storage.Open(storage.Config{Dir: dir, Registry: storage.NewRegistry(kind)})
	if err == nil {
		err = errors.Join(store.Scrub(context.Background()), store.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}
