// Package keyring is the operating system's keyring as a storage.Keyring: the Keychain of
// macOS, the Credential Manager of Windows, the Secret Service of others. It stands apart
// so that only programs that use it have what it needs.
//
//	key, err := storage.KeyFrom(keyring.System{}, "my app")
package keyring

import (
	"errors"

	"github.com/zalando/go-keyring"

	"github.com/kaon-net/kaon/session/storage"
)

// System is the keyring of the user who runs the program. It may ask for a password, and
// waits for it.
type System struct{}

// Get returns a secret, or storage.ErrNoSecret.
func (System) Get(service, name string) (string, error) {
	secret, err := keyring.Get(service, name)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", storage.ErrNoSecret
	}
	return secret, err
}

// Set keeps a secret, in place of the one before.
func (System) Set(service, name, secret string) error { return keyring.Set(service, name, secret) }
