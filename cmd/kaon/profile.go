package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/session/storage/keyring"
)

// profileOptions say where a session keeps what it remembers, and how cookies are
// sealed there.
type profileOptions struct {
	dir     string
	key     string
	keyring bool
}

func (o *profileOptions) add(f *pflag.FlagSet) {
	f.StringVar(&o.dir, "profile", "", "keep cookies and all else that lasts in `DIR`, a session's directory")
	f.StringVar(&o.key, "key", "", "seal the values of cookies there with the key in `FILE`: 32 bytes, or 64 hexadecimal digits")
	f.BoolVar(&o.keyring, "keyring", false, "seal them with a key in the system's keyring")
}

// apply sets what of cfg is about the directory. A run of the program is no end of the
// session: its session cookies are there for the next one, as with other command lines.
func (o *profileOptions) apply(cfg *session.Config) (err error) {
	switch {
	case o.dir == "" && (o.key != "" || o.keyring):
		return usageError{errors.New("--key and --keyring are for a --profile")}
	case o.dir == "":
		return nil
	case o.key != "" && o.keyring:
		return usageError{errors.New("there is one key: --key or --keyring")}
	}
	if cfg.Path, err = filepath.Abs(o.dir); err != nil {
		return fmt.Errorf("--profile: %w", err)
	}
	if o.key != "" {
		if cfg.CookieKey, err = readCookieKey(o.key); err != nil {
			return fmt.Errorf("--key: %w", err)
		}
	}
	if o.keyring {
		cfg.Keyring = keyring.System{}
	}
	cfg.RestoreSessionCookies = true
	return nil
}

const keySize = 32

func readCookieKey(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(b) == keySize {
		return b, nil
	}
	key := make([]byte, hex.DecodedLen(len(b)))
	n, err := hex.Decode(key, bytes.TrimSpace(b))
	if err != nil || n != keySize {
		return nil, fmt.Errorf("%s has neither 32 bytes nor 64 hexadecimal digits", file)
	}
	return key[:n], nil
}
