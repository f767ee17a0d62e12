package storage_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/kaon-net/kaon/session/storage"
)

// Files that are not what this version writes are set aside whole.
func TestOtherFiles(t *testing.T) {
	tests := []struct {
		name string
		file []byte
		want string // in the warning; empty: the file is good
	}{
		{"of this version", bucketFile(t, "kaon 1"), ""},
		{"of a later version", bucketFile(t, "kaon 2"), "later version"},
		{"of nobody's version", bucketFile(t, "kaon x"), "not a session's"},
		{"another program's", bucketFile(t, "bucket"), "not a session's"},
		{"of two", bucketFile(t, "kaon 1", "kaon 1 "), "not a session's"},
		{"of nothing", bucketFile(t), "0 buckets"},
		{"empty", []byte{}, "no transaction"},
		{"text", bytes.Repeat([]byte("text "), 10_000), "no transaction"},
		{"zeros", make([]byte, 100_000), "no transaction"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := storage.StateFile(dir)
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.file, 0o600); err != nil {
				t.Fatal(err)
			}
			r := open(t, dir, storage.CookieOptions{})
			r.set(t, "a.example", "c", "1")
			r.close(t)
			var aside []byte
			for _, name := range asides(t, dir) {
				var err error
				if aside, err = os.ReadFile(name); err != nil {
					t.Fatal(err)
				}
			}
			if tt.want == "" {
				if aside != nil || r.log.String() != "" {
					t.Errorf("it was set aside: %s", r.log)
				}
			} else if !bytes.Equal(aside, tt.file) || !strings.Contains(r.log.String(), tt.want) {
				t.Errorf("got %d bytes set aside, and the warnings %q, want %q", len(aside), r.log, tt.want)
			}
			if again := open(t, dir, storage.CookieOptions{}); again.jar.Len() != 1 || again.log.String() != "" {
				t.Errorf("opened again: got %q and the warnings %s", again.has(), again.log)
			}
		})
	}
}

// bucketFile is a file with these buckets.
func bucketFile(t *testing.T, names ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // so that no meta page is bbolt's first one, whose freelist is another
		if err := db.Update(func(tx *bbolt.Tx) error {
			for _, name := range names {
				if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
