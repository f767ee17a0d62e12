package storage_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
	"github.com/kaon-net/kaon/session/storage"
)

func TestKeeps(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, storage.CookieOptions{})
	r.set(t, "a.example", "one", "1")
	r.set(t, "a.example", "one", "again")
	r.set(t, "a.example", "gone", "1")
	r.jar.Remove(parseURL(t, "https://a.example/"), "gone")
	site := origin.Of(parseURL(t, "https://top.example/")).Site()
	for _, key := range []origin.Key{origin.NewKey(site, site), origin.NewNonceKey(site, site, "n")} {
		q := &cookiejar.Request{URL: parseURL(t, "https://b.example/x/y"), Key: key}
		if err := r.jar.Receive(q, "parted=1; Secure; HttpOnly; SameSite=None; Partitioned; Max-Age=100; Priority=High"); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.hsts.Receive(parseURL(t, "https://b.example/"), "max-age=1000; includeSubDomains"); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(r.jar.Snapshot(), func(c cookiejar.Cookie) bool { return c.Partition.HasNonce() })
	r.close(t)

	r = open(t, dir, storage.CookieOptions{})
	if got := r.jar.Snapshot(); !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !r.hsts.Required("x.b.example") {
		t.Error("HSTS is lost")
	}
	if got := r.log.String(); got != "" {
		t.Errorf("got the warning %s", got)
	}
}

// Nothing kept, nothing written but the lock.
func TestEmpty(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, storage.CookieOptions{})
	r.set(t, "a.example", "brief", "1")
	r.flush(t)
	size(t, dir)
	r.jar.RemoveFunc(func(*cookiejar.Cookie) bool { return true })
	if err := r.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.close(t)
	if _, err := os.Stat(storage.StateFile(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v for the state of an empty session", err)
	}
}

func TestExpiredIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		r := open(t, dir, storage.CookieOptions{})
		r.set(t, "a.example", "day", "1")
		if err := r.hsts.Receive(parseURL(t, "https://b.example/"), "max-age=1000"); err != nil {
			t.Fatal(err)
		}
		r.close(t)
		time.Sleep(25 * time.Hour)
		r = open(t, dir, storage.CookieOptions{})
		if got := r.has(); got != "" || len(r.hsts.Snapshot()) != 0 {
			t.Errorf("got %q, %v", got, r.hsts.Snapshot())
		}
		r.close(t)
		if n := records(t, dir); n != 0 {
			t.Errorf("%d records are still in the file", n)
		}
	})
}

func TestSessionCookies(t *testing.T) {
	for _, keep := range []bool{false, true} {
		dir := t.TempDir()
		r := open(t, dir, storage.CookieOptions{Session: keep})
		if err := r.jar.Set(cookiejar.Details{URL: "https://a.example/", Name: "s", Value: "1"}); err != nil {
			t.Fatal(err)
		}
		r.close(t)
		r = open(t, dir, storage.CookieOptions{Session: keep})
		if got := r.jar.Len() == 1; got != keep {
			t.Errorf("kept %v: restored %v", keep, got)
		}
		r.close(t)
		// One who does not ask for them has none, and they are gone from the disk.
		r = open(t, dir, storage.CookieOptions{})
		if r.jar.Len() != 0 {
			t.Errorf("kept %v: got %q", keep, r.has())
		}
		r.flush(t)
		if n := records(t, dir); n != 0 {
			t.Errorf("kept %v: %d records are left", keep, n)
		}
		r.close(t)
	}
}

// A persistent cookie that becomes one of the session is not kept.
func TestBecomesSessionCookie(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, storage.CookieOptions{})
	r.set(t, "a.example", "c", "1")
	r.flush(t)
	if err := r.jar.Set(cookiejar.Details{URL: "https://a.example/", Name: "c", Value: "2"}); err != nil {
		t.Fatal(err)
	}
	r.close(t)
	if got := open(t, dir, storage.CookieOptions{}).has(); got != "" {
		t.Errorf("got %q", got)
	}
}

// A change is written as such, and uses are written along.
func TestWritesChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		jar := cookiejar.New(cookiejar.Config{})
		kind, err := storage.CookieKind(jar, storage.CookieOptions{})
		if err != nil {
			t.Fatal(err)
		}
		stop := kind.Records.Watch(func(bool) {})
		defer stop()
		r := &room{jar: jar}
		for _, host := range []string{"a.example", "b.example", "c.example"} {
			r.set(t, host, "c", "1")
		}
		if got := len(kind.Records.Changes(false)); got != 3 {
			t.Errorf("got %d records for 3 new cookies", got)
		}
		time.Sleep(time.Hour)
		if got := kind.Records.Changes(false); len(got) != 0 {
			t.Errorf("got %d records without a change", len(got))
		}
		time.Sleep(time.Hour)
		r.set(t, "a.example", "c", "2")
		jar.Remove(parseURL(t, "https://b.example/"), "c")
		jar.Header(&cookiejar.Request{URL: parseURL(t, "https://c.example/")})
		var put, gone int
		for _, value := range kind.Records.Changes(false) {
			if value == nil {
				gone++
			} else {
				put++
			}
		}
		if put != 2 || gone != 1 {
			t.Errorf("got %d records put and %d gone, want the changed one, the sent one, and the removed one", put, gone)
		}
		if got := len(kind.Records.Changes(true)); got != 2 {
			t.Errorf("got %d records of 2 cookies", got)
		}
	})
}

// Cookies wait 30 seconds, or for 512 changes; other kinds a minute.
func TestIntervals(t *testing.T) {
	cookie := func(t *testing.T, r *room) { r.set(t, "a.example", "c", "1") }
	tests := []struct {
		name   string
		change func(*testing.T, *room)
		after  time.Duration
	}{
		{"cookie", cookie, 30 * time.Second},
		{"HSTS", func(t *testing.T, r *room) {
			if err := r.hsts.Receive(parseURL(t, "https://b.example/"), "max-age=10000"); err != nil {
				t.Fatal(err)
			}
		}, time.Minute},
		{"512 changes", func(t *testing.T, r *room) {
			for range 256 { // of which each is an overwrite and an insertion, but for the first
				cookie(t, r)
			}
			cookie(t, r)
		}, 0},
		{"many changes, but fewer", func(t *testing.T, r *room) {
			for range 256 {
				cookie(t, r)
			}
		}, 30 * time.Second},
		{"a second change does not put off", func(t *testing.T, r *room) {
			cookie(t, r)
			time.Sleep(20 * time.Second)
			cookie(t, r)
		}, 10 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				r := open(t, dir, storage.CookieOptions{})
				tt.change(t, r)
				if tt.after > 0 {
					time.Sleep(tt.after - time.Millisecond)
					synctest.Wait()
					if _, err := os.Stat(storage.StateFile(dir)); err == nil {
						t.Error("written early")
					}
					time.Sleep(time.Millisecond)
				}
				synctest.Wait()
				size(t, dir)
				r.close(t)
			})
		})
	}
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, storage.CookieOptions{})
	_, err := tryOpen(dir, storage.CookieOptions{})
	if !errors.Is(err, storage.ErrInUse) || !errors.Is(err, neterr.FileExists) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want ErrInUse and the directory", err)
	}
	if err := storage.Remove(dir, first.reg); !errors.Is(err, storage.ErrInUse) {
		t.Errorf("remove: got %v, want ErrInUse", err)
	}
	first.close(t)
	open(t, dir, storage.CookieOptions{})
}

func TestClosed(t *testing.T) {
	r := open(t, t.TempDir(), storage.CookieOptions{})
	r.close(t)
	r.close(t)
	if err := r.Flush(t.Context()); !errors.Is(err, neterr.ContextShutDown) {
		t.Errorf("got %v", err)
	}
}

// What was cleared is not in the file's free pages either.
func TestScrub(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, storage.CookieOptions{})
	r.set(t, "a.example", "c", "a value to be forgotten")
	r.set(t, "b.example", "c", "a value to be kept")
	r.flush(t)
	r.jar.Remove(parseURL(t, "https://a.example/"), "c")
	if err := r.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(storage.StateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "forgotten") || !strings.Contains(string(b), "to be kept") {
		t.Error("the file has what was forgotten, or not what is kept")
	}
}

// Records of a kind that this program does not have stay, whatever is written.
func TestForeignRecordsStay(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, storage.CookieOptions{})
	r.set(t, "a.example", "c", "1")
	if err := r.hsts.Receive(parseURL(t, "https://b.example/"), "max-age=10000"); err != nil {
		t.Fatal(err)
	}
	r.close(t)
	kind, err := storage.CookieKind(cookiejar.New(cookiejar.Config{}), storage.CookieOptions{})
	if err != nil {
		t.Fatal(err)
	}
	without, err := storage.Open(storage.Config{Dir: dir, Registry: storage.NewRegistry(kind)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(without.Scrub(t.Context()), without.Close()); err != nil {
		t.Fatal(err)
	}
	if r = open(t, dir, storage.CookieOptions{}); !r.hsts.Required("b.example") || r.jar.Len() != 1 {
		t.Errorf("got %v, %q", r.hsts.Snapshot(), r.has())
	}
}

func TestRemove(t *testing.T) {
	t.Run("only what is ours", func(t *testing.T) {
		dir := t.TempDir()
		r := open(t, dir, storage.CookieOptions{})
		r.set(t, "a.example", "c", "1")
		r.close(t)
		write(t, filepath.Join(dir, "Cache", "entry"))
		write(t, filepath.Join(dir, "Network", "notes.txt"))
		write(t, storage.StateFile(dir)+".damaged-20000101-000000")
		reg := storage.NewRegistry(storage.Kind{Type: storage.Cache, Dir: "Cache"})
		if err := storage.Remove(dir, reg); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir); !slices.Equal(got, []string{"Network", "Network/notes.txt"}) {
			t.Errorf("got %q left", got)
		}
	})
	t.Run("all", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "session")
		open(t, dir, storage.CookieOptions{}).close(t)
		if err := storage.Remove(dir, storage.NewRegistry()); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory is there: %v", err)
		}
	})
	t.Run("not a session", func(t *testing.T) {
		dir := t.TempDir()
		write(t, storage.StateFile(dir))
		if err := storage.Remove(dir, storage.NewRegistry()); !errors.Is(err, storage.ErrNoSession) {
			t.Errorf("got %v, want ErrNoSession", err)
		}
		size(t, dir)
	})
	t.Run("a link out", func(t *testing.T) {
		other, dir := t.TempDir(), t.TempDir()
		open(t, other, storage.CookieOptions{}).close(t)
		if err := os.Symlink(filepath.Join(other, "Network"), filepath.Join(dir, "Network")); err != nil {
			t.Skip(err)
		}
		if err := storage.Remove(dir, storage.NewRegistry()); !errors.Is(err, storage.ErrNoSession) {
			t.Errorf("got %v, want ErrNoSession", err)
		}
		if got := tree(t, other); len(got) != 2 {
			t.Errorf("got %q left", got)
		}
	})
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tree lists what is in a directory.
func tree(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// records counts those in the file of dir.
func records(t *testing.T, dir string) (n int) {
	t.Helper()
	if _, err := os.Stat(storage.StateFile(dir)); errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	db, err := bbolt.Open(storage.StateFile(dir), 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			n += b.Stats().KeyN
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
