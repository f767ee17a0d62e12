package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// The responses of one URL that depend on fields of the request (Vary) are entries beside
// each other: a key's Variant is a hash of the values that these fields have. Under
// Variant 0 is then no response but a list (store.Variants): which fields those are, and
// which variants there are, the newest first.

// maxVariants is how many responses of one URL are kept. The one stored first goes.
const maxVariants = 32

// maxVary is how many fields the responses of a URL may depend on.
const maxVary = 64

// variantField names the members of the list.
const variantField = "Variant"

// varyNames returns what a response depends on: the names in lower case, in order, each
// once. star is true if it depends on more than fields tell.
func varyNames(header exchange.Fields) (names []string, star bool) {
	for v := range header.Values("Vary") {
		for name := range members(v) {
			if name == "*" {
				return nil, true
			}
			if len(names) > maxVary {
				return nil, true
			}
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return slices.Compact(names), false
}

// varyValue is what the cache compares of a field: its values as one list. A field that is
// not there is like no value; secrets, and what is long, are hashes.
func varyValue(header exchange.Fields, name string) string {
	value, found := "", false
	for v := range header.Values(name) {
		if v = trim(v); found {
			v = value + ", " + v
		}
		value, found = v, true
	}
	switch {
	case !found:
		return varyAbsent
	case len(value) > 64, name == "cookie", name == "authorization":
		sum := sha256.Sum256([]byte(value))
		return varyHashed + base64.RawStdEncoding.EncodeToString(sum[:])
	}
	return value
}

// What no field's value begins with.
const (
	varyAbsent = "\x00"
	varyHashed = "\x01"
)

// suits reports whether a response with vary is one for a request with header.
func suits(vary, header exchange.Fields) bool {
	for i := range vary {
		if varyValue(header, vary[i].Name) != vary[i].Value {
			return false
		}
	}
	return true
}

// varyOf is vary for a request with header.
func varyOf(names []string, header exchange.Fields) exchange.Fields {
	vary := make(exchange.Fields, len(names))
	for i, name := range names {
		vary[i] = exchange.Field{Name: name, Value: varyValue(header, name)}
	}
	return vary
}

// variantOf is the Variant of what a list names and a request has: FNV-1a, never 0. Who
// makes two collide loses: the entry says which values it is for.
func variantOf(vary, header exchange.Fields) uint64 {
	h := uint64(14695981039346656037)
	for i := range vary {
		for _, s := range [...]string{vary[i].Name, varyValue(header, vary[i].Name)} {
			for j := range len(s) {
				h = (h ^ uint64(s[j])) * 1099511628211
			}
			h = (h ^ '\n') * 1099511628211
		}
	}
	return max(h, 1)
}

// place finds the key for a response that depends on names, and what it depends on in the
// end: all that responses of this URL have depended on so far. It enters the variant into
// the URL's list.
func (t *Transport) place(ctx context.Context, key store.Key, names []string, header exchange.Fields) (store.Key, exchange.Fields, error) {
	key.Variant = 0
	release, err := t.variants.acquire(ctx, key.URL)
	if err != nil {
		return key, nil, err
	}
	defer release()
	old, err := t.variantList(ctx, &key)
	if err != nil {
		return key, nil, err
	}
	if len(names) == 0 {
		t.deleteVariants(ctx, key, old)
		return key, nil, nil
	}
	head := &store.Head{State: store.Variants, Status: 200, ResponseTime: wallClock()}
	if old != nil {
		for i := range old.Vary {
			names = append(names, old.Vary[i].Name)
		}
		slices.Sort(names)
		names = slices.Compact(names)
		if len(names) > len(old.Vary) { // what was stored is found no more
			t.deleteVariants(ctx, key, old)
			old = nil
		}
	}
	vary := varyOf(names, header)
	head.Vary = make(exchange.Fields, len(names))
	for i, name := range names {
		head.Vary[i].Name = name
	}
	at := key
	at.Variant = variantOf(vary, header)
	if old != nil && slices.Contains(variantIDs(old), at.Variant) {
		return at, vary, nil
	}
	head.Header = exchange.Fields{{Name: variantField, Value: strconv.FormatUint(at.Variant, 16)}}
	if old != nil {
		head.Header = append(head.Header, old.Header...)
	}
	for len(head.Header) > maxVariants {
		last := len(head.Header) - 1
		t.deleteVariants(ctx, key, &store.Head{Header: head.Header[last:]})
		head.Header = head.Header[:last]
	}
	return at, vary, t.putHead(ctx, &key, head)
}

// variantList returns the list of a URL's variants, nil if there is none.
func (t *Transport) variantList(ctx context.Context, key *store.Key) (*store.Head, error) {
	e, err := t.store.Open(ctx, key)
	if errors.Is(err, store.ErrMiss) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer e.Close()
	if h := e.Head(); h.State == store.Variants {
		return h, nil
	}
	return nil, nil
}

func (t *Transport) putHead(ctx context.Context, key *store.Key, head *store.Head) error {
	e, err := t.store.Create(ctx, key)
	if err != nil {
		return err
	}
	defer e.Close()
	e.SetHead(head)
	return e.Commit(ctx)
}

// deleteVariants deletes what a list names.
func (t *Transport) deleteVariants(ctx context.Context, key store.Key, list *store.Head) {
	if list == nil {
		return
	}
	for _, key.Variant = range variantIDs(list) {
		_ = t.store.Delete(ctx, &key) // what cannot be deleted is not found either: nothing leads there
	}
}

func variantIDs(list *store.Head) []uint64 {
	ids := make([]uint64, 0, len(list.Header))
	for i := range list.Header {
		if id, err := strconv.ParseUint(list.Header[i].Value, 16, 64); err == nil && id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// A turnstile lets one at a time change the list of a URL. A few URLs share one.
type turnstile [32]chan struct{}

func newTurnstile() *turnstile {
	t := &turnstile{}
	for i := range t {
		t[i] = make(chan struct{}, 1)
	}
	return t
}

func (t *turnstile) acquire(ctx context.Context, url string) (release func(), err error) {
	sum := uint32(2166136261)
	for i := range len(url) {
		sum = (sum ^ uint32(url[i])) * 16777619
	}
	ch := t[sum%uint32(len(t))]
	select {
	case ch <- struct{}{}:
		return func() { <-ch }, nil
	case <-ctx.Done():
		return nil, neterr.FromContext(ctx)
	}
}
