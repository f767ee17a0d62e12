package storage_test

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session/storage"
)

func keyOf(b byte) []byte { return bytes.Repeat([]byte{b}, storage.KeySize) }

func sealed(keys ...[]byte) storage.CookieOptions { return storage.CookieOptions{Keys: keys} }

// onDisk reports whether the file of dir has the text somewhere.
func onDisk(t *testing.T, dir, text string) bool {
	t.Helper()
	b, err := os.ReadFile(storage.StateFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(b, []byte(text))
}

// Each step opens the store of the one before with other keys.
func TestSeal(t *testing.T) {
	const secret = "a value that is a secret"
	type step struct {
		name  string
		o     storage.CookieOptions
		want  int  // cookies restored
		plain bool // whether the secret can be read in the file
		warns string
	}
	tests := []struct {
		name  string
		steps []step // the first sets the cookie
	}{
		{"on", []step{{"set", sealed(keyOf(1)), 0, false, ""}, {"same key", sealed(keyOf(1)), 1, false, ""}}},
		{"turned on", []step{
			{"set", sealed(), 0, true, ""},
			{"sealed anew", sealed(keyOf(1)), 1, false, ""},
			{"stays", sealed(keyOf(1)), 1, false, ""},
		}},
		{"turned off", []step{
			{"set", sealed(keyOf(1)), 0, false, ""},
			{"no key", sealed(), 0, false, "sealed with another key"},
			{"key again", sealed(keyOf(1)), 1, false, ""},
		}},
		{"rotated", []step{
			{"set", sealed(keyOf(1)), 0, false, ""},
			{"new key", sealed(keyOf(2), keyOf(1)), 1, false, ""},
			{"old key not needed", sealed(keyOf(2)), 1, false, ""},
			{"old key of no use", sealed(keyOf(1)), 0, false, "sealed with another key"},
		}},
		{"wrong key", []step{
			{"set", sealed(keyOf(1)), 0, false, ""},
			{"wrong", sealed(keyOf(2)), 0, false, "sealed with another key"},
			{"right", sealed(keyOf(1)), 1, false, ""},
		}},
		{"no key though there should be", []step{
			{"set", sealed(), 0, true, ""},
			{"none", storage.CookieOptions{Err: errors.New("keyring is locked")}, 1, true, "keyring is locked"},
			{"one", sealed(keyOf(1)), 1, false, ""},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for i, s := range tt.steps {
				r := open(t, dir, s.o)
				if got := r.jar.Len(); got != s.want {
					t.Errorf("%s: got %d cookies, want %d", s.name, got, s.want)
				}
				if i == 0 {
					r.set(t, "a.example", "c", secret)
				} else if s.want == 1 && r.jar.Snapshot()[0].Value != secret {
					t.Errorf("%s: got %q", s.name, r.has())
				}
				r.set(t, "b.example", "other", "value")
				r.jar.Remove(parseURL(t, "https://b.example/"), "other")
				r.close(t)
				if got := onDisk(t, dir, secret); got != s.plain {
					t.Errorf("%s: the secret can be read: %v", s.name, got)
				}
				if got := r.log.String(); (got != "") != (s.warns != "") || !strings.Contains(got, s.warns) || strings.Contains(got, "a.example") {
					t.Errorf("%s: got the warning %q, want %q", s.name, got, s.warns)
				}
			}
		})
	}
}

// A cookie that cannot be opened is replaced, and cleared, as others are.
func TestLocked(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir, sealed(keyOf(1)))
	for _, host := range []string{"a.example", "b.example", "c.example"} {
		r.set(t, host, "c", "old")
	}
	r.close(t)
	r = open(t, dir, sealed(keyOf(2)))
	r.set(t, "a.example", "c", "new")
	err := r.reg.ClearData(t.Context(), storage.ClearDataOptions{
		DataTypes: []storage.DataType{storage.Cookies}, Origins: []string{"https://b.example"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.close(t)
	r = open(t, dir, sealed(keyOf(1), keyOf(2)))
	if got, want := r.has(), "c.example c=old\na.example c=new\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A sealed value is of no use in another cookie.
func TestSealBindsIdentity(t *testing.T) {
	kindOf := func(r *room) storage.Records {
		k, err := storage.CookieKind(r.jar, sealed(keyOf(1)))
		if err != nil {
			t.Fatal(err)
		}
		return k.Records
	}
	from := open(t, t.TempDir(), storage.CookieOptions{})
	from.set(t, "a.example", "c", "secret")
	from.set(t, "b.example", "c", "another")
	changes := kindOf(from).Changes(true)
	var keys []string
	for key := range changes {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	to := open(t, t.TempDir(), storage.CookieOptions{})
	got := kindOf(to).Restore(func(yield func(string, []byte) bool) {
		_ = yield(keys[0], changes[keys[1]]) && yield(keys[1], changes[keys[0]])
	})
	if got.Locked != 2 || to.jar.Len() != 0 {
		t.Errorf("got %+v and %q", got, to.has())
	}
}

func TestCookieKeySize(t *testing.T) {
	_, err := storage.CookieKind(nil, sealed([]byte("short, and secret")))
	if !errors.Is(err, neterr.InvalidArgument) || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}

// A ring is a Keyring that fails as told.
type ring struct {
	secrets map[string]string
	err     error
}

func (r *ring) Get(service, name string) (string, error) {
	if secret, ok := r.secrets[service+"/"+name]; ok || r.err != nil {
		return secret, r.err
	}
	return "", storage.ErrNoSecret
}

func (r *ring) Set(service, name, secret string) error {
	r.secrets[service+"/"+name] = secret
	return r.err
}

func TestKeyFrom(t *testing.T) {
	r := &ring{secrets: make(map[string]string)}
	key, err := storage.KeyFrom(r, "app")
	if err != nil || len(key) != storage.KeySize || r.secrets["kaon/app"] == "" {
		t.Fatalf("got %d bytes, %v; the ring has %d secrets", len(key), err, len(r.secrets))
	}
	if again, err := storage.KeyFrom(r, "app"); err != nil || !bytes.Equal(again, key) {
		t.Errorf("got another key, %v", err)
	}
	if other, err := storage.KeyFrom(r, "other"); err != nil || bytes.Equal(other, key) {
		t.Errorf("got the same key for another name, %v", err)
	}
	r.secrets["kaon/app"] = "hunter2"
	if _, err := storage.KeyFrom(r, "app"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v for what is no key", err)
	}
	r.err = errors.New("locked")
	if _, err := storage.KeyFrom(r, "third"); !errors.Is(err, r.err) || len(r.secrets) != 2 {
		t.Errorf("got %v and %d secrets: a ring that fails must not get a new key", err, len(r.secrets))
	}
}
