package storage_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/kaon-net/kaon/session/storage"
)

// What is read of a file is what bbolt reads, whatever was done to it before.
func TestReadBucketsIsBbolt(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	path := filepath.Join(t.TempDir(), "file")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := make(map[string]string) // "bucket/key" -> value
	for round := range 40 {
		err := db.Update(func(tx *bbolt.Tx) error {
			for range 1 + rnd.IntN(60) {
				name := fmt.Sprint("bucket", rnd.IntN(3))
				b, err := tx.CreateBucketIfNotExists([]byte(name))
				if err != nil {
					return err
				}
				key := fmt.Sprintf("%0*d", 1+rnd.IntN(200), rnd.IntN(100))
				if rnd.IntN(3) == 0 {
					delete(want, name+"/"+key)
					err = b.Delete([]byte(key))
				} else {
					value := bytes.Repeat([]byte{byte(round)}, rnd.IntN(3000)*rnd.IntN(3))
					want[name+"/"+key] = string(value)
					err = b.Put([]byte(key), value)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, path); !maps.Equal(got, want) {
			t.Fatalf("round %d: got %d records, want %d", round, len(got), len(want))
		}
	}
}

func readFile(t *testing.T, path string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bucket, got := "", make(map[string]string)
	err = storage.ReadBuckets(b, func(name string) error {
		bucket = name
		return nil
	}, func(key, value []byte) {
		got[bucket+"/"+string(key)] = string(value)
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// A file of which any byte went bad either is refused, or bbolt can work with it, and
// leaves a good one.
func TestReadBucketsGuardsBbolt(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "good")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true, PageSize: 1024})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 3 {
		err := db.Update(func(tx *bbolt.Tx) error {
			b, err := tx.CreateBucketIfNotExists([]byte("bucket"))
			for i := 0; err == nil && i < 120; i++ {
				err = b.Put(fmt.Appendf(nil, "key %d", i), bytes.Repeat([]byte{byte(round)}, i))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const branch = 1
	refused, next := 0, 0
	for at := range good {
		if at < next && good[at&^1023+8] != branch {
			continue // every byte of the branches, some of the others
		}
		next = max(next, at+1+at/40)
		bad := slices.Clone(good)
		bad[at] ^= 1 << (at % 8)
		if storage.ReadBuckets(bad, func(string) error { return nil }, func([]byte, []byte) {}) != nil {
			refused++
			continue
		}
		work(t, filepath.Join(dir, "bad"), bad)
	}
	if refused == 0 {
		t.Error("no file was refused")
	}
	for n := 0; n < len(good); n += 4093 {
		if storage.ReadBuckets(good[:n], func(string) error { return nil }, func([]byte, []byte) {}) == nil {
			work(t, filepath.Join(dir, "bad"), good[:n])
		}
	}
}

// An empty bucket has an empty leaf; a leaf that says so and is not has lost its number.
func TestReadBucketsEmptyLeaf(t *testing.T) {
	file := bucketFile(t, "kaon 1")
	visit := func(key, _ []byte) { t.Errorf("got the key %q", key) }
	if err := storage.ReadBuckets(file, func(string) error { return nil }, visit); err != nil {
		t.Fatal(err)
	}
	name := bytes.LastIndex(file, []byte("kaon 1"))
	page := name &^ (os.Getpagesize() - 1)
	file[page+10] = 0 // the number of buckets
	if err := storage.ReadBuckets(file, func(string) error { return nil }, visit); err == nil {
		t.Error("a leaf without its elements is fine")
	}
}

// work has bbolt read and change all that is in a file. It panics if it finds it bad.
func work(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var want map[string]string
	err = db.Update(func(tx *bbolt.Tx) error {
		want = make(map[string]string)
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			var keys [][]byte
			if err := b.ForEach(func(k, _ []byte) error {
				keys = append(keys, slices.Clone(k))
				return nil
			}); err != nil {
				return err
			}
			for i, k := range keys {
				var err error
				if i%2 == 0 {
					err = b.Delete(k)
				} else {
					value := make([]byte, 300)
					err = b.Put(k, value)
					want[string(name)+"/"+string(k)] = string(value)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	if got := readFile(t, path); !maps.Equal(got, want) {
		t.Errorf("afterwards: got %d records, want %d", len(got), len(want))
	}
}
