package origin

import "unique"

// A Key partitions state by who asked: the site of the top-level page and of the
// frame (Chromium: network isolation key). It is one word, comparable, and free to
// use in map keys. The zero Key is the shared partition of requests that no page
// made.
type Key struct {
	h unique.Handle[sites]
}

type sites struct {
	top, frame Site
	nonce      string
}

// NewKey returns the key for a frame inside a top-level page.
func NewKey(top, frame Site) Key { return Key{unique.Make(sites{top: top, frame: frame})} }

// NewNonceKey returns a key that equals only itself with the same nonce: for
// partitions that share with nobody, such as a frame without an origin of its own.
func NewNonceKey(top, frame Site, nonce string) Key {
	return Key{unique.Make(sites{top: top, frame: frame, nonce: nonce})}
}

// IsZero reports whether k is the shared partition.
func (k Key) IsZero() bool { return k == Key{} }

// HasNonce reports whether k was made by NewNonceKey with a nonce.
func (k Key) HasNonce() bool { return !k.IsZero() && k.h.Value().nonce != "" }

// Top returns the site of the top-level page.
func (k Key) Top() Site {
	if k.IsZero() {
		return Site{}
	}
	return k.h.Value().top
}

// Frame returns the site of the frame that asked.
func (k Key) Frame() Site {
	if k.IsZero() {
		return Site{}
	}
	return k.h.Value().frame
}

// String writes the key as Chromium's logs do: top-level site, space, frame site.
func (k Key) String() string {
	if k.IsZero() {
		return "null null"
	}
	v := k.h.Value()
	s := v.top.String() + " " + v.frame.String()
	if v.nonce != "" {
		s += " (with nonce)"
	}
	return s
}
