package store

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// The flags of a key's binary form.
const (
	keyAnonymous   = 1 << iota
	keyPartitioned // the sites of its partition follow
)

// AppendKey appends the key in the binary form that ParseKey reads. Each key has one
// form, and none begins with another. A key that is not to be stored, because its
// partition has a nonce, is neterr.CacheOperationNotSupported; one longer than MaxKey
// is neterr.FileTooBig.
func AppendKey(b []byte, k *Key) ([]byte, error) {
	if k.Partition.HasNonce() {
		return b, &neterr.Error{Code: neterr.CacheOperationNotSupported, Op: "store a key", Err: errors.New("its partition has a nonce")}
	}
	at := len(b)
	var flags byte
	if k.Anonymous {
		flags |= keyAnonymous
	}
	if !k.Partition.IsZero() {
		flags |= keyPartitioned
	}
	b = append(b, flags)
	b = appendString(b, k.URL)
	if flags&keyPartitioned != 0 {
		b = appendSite(b, k.Partition.Top())
		b = appendSite(b, k.Partition.Frame())
	}
	b = binary.AppendVarint(b, k.Upload)
	b = binary.AppendUvarint(b, k.Variant)
	if len(b)-at > MaxKey {
		return b[:at], &neterr.Error{Code: neterr.FileTooBig, Op: "store a key"}
	}
	return b, nil
}

// ParseKey reads what AppendKey wrote and keeps nothing of b. Anything else than
// exactly a key is neterr.CacheReadFailure.
func ParseKey(b []byte) (Key, error) {
	var k Key
	r := read(string(b), MaxKey)
	flags := r.uint(keyAnonymous | keyPartitioned)
	k.Anonymous = flags&keyAnonymous != 0
	k.URL = r.string()
	var top, frame origin.Site
	if flags&keyPartitioned != 0 {
		top, frame = r.site(), r.site()
	}
	k.Upload = r.int()
	k.Variant = r.uint(math.MaxUint64)
	if err := r.close("parse a stored key"); err != nil {
		return Key{}, err
	}
	if flags&keyPartitioned != 0 {
		k.Partition = origin.NewKey(top, frame)
	}
	return k, nil
}

func appendSite(b []byte, s origin.Site) []byte {
	b = appendString(b, s.Scheme)
	return appendString(b, s.Domain)
}

func (r *reader) site() origin.Site {
	return origin.Site{Scheme: r.string(), Domain: r.string()}
}
