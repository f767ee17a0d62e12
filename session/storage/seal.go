package storage

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
)

// KeySize is the size of the keys that seal cookies, in bytes: AES-256.
const KeySize = 32

// A Keyring keeps secrets for the programs of a user. Package keyring has the operating
// system's. It may ask the user, and block for so long.
type Keyring interface {
	Get(service, name string) (secret string, err error) // ErrNoSecret if there is none
	Set(service, name, secret string) error
}

// ErrNoSecret is a Keyring's error for what it never had.
var ErrNoSecret = errors.New("storage: there is no such secret")

// KeyFrom returns the key that a Keyring has under the service "kaon" and name, and has
// it keep a random one if there is none.
func KeyFrom(k Keyring, name string) ([]byte, error) {
	const service = "kaon"
	secret, err := k.Get(service, name)
	if errors.Is(err, ErrNoSecret) {
		key := make([]byte, KeySize)
		rand.Read(key)
		if err := k.Set(service, name, base64.StdEncoding.EncodeToString(key)); err != nil {
			return nil, fmt.Errorf("storage: keep a key in the keyring: %w", err)
		}
		return key, nil
	}
	if err != nil {
		return nil, fmt.Errorf("storage: key from the keyring: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) != KeySize {
		return nil, errors.New("storage: what the keyring has is no key of Kaon's") // and is in no message
	}
	return key, nil
}

// A sealer seals with its first key and opens with any. Without one it opens nothing.
type sealer []cipher.AEAD

func newSealer(keys ...[]byte) (sealer, error) {
	var s sealer
	for _, key := range keys {
		if len(key) != KeySize {
			return nil, invalid("a cookie key has %d bytes, not %d", KeySize, len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		gcm, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		s = append(s, gcm)
	}
	return s, nil
}

// seal appends the sealed text to dst. It opens along with the same identity only.
func (s sealer) seal(dst []byte, text, identity string) []byte {
	return s[0].Seal(dst, nil, []byte(text), []byte(identity))
}

// open also reports whether the text is sealed with the first key.
func (s sealer) open(sealed, identity string) (text string, current, ok bool) {
	for i, gcm := range s {
		if text, err := gcm.Open(nil, nil, []byte(sealed), []byte(identity)); err == nil {
			return string(text), i == 0, true
		}
	}
	return "", false, false
}
