package store_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

var (
	siteA = origin.Site{Scheme: "https", Domain: "a.test"}
	siteB = origin.Site{Scheme: "https", Domain: "b.test"}
)

// Keys that differ in one thing each, some of them chosen to look alike when run
// together.
func manyKeys() []store.Key {
	return []store.Key{
		{},
		{URL: "https://a.test/"},
		{URL: "https://a.test/1"},
		{URL: "https://a.test/", Variant: 1},
		{URL: "https://a.test/", Variant: math.MaxUint64},
		{URL: "https://a.test/", Upload: 1},
		{URL: "https://a.test/", Upload: -1},
		{URL: "https://a.test/", Upload: math.MinInt64},
		{URL: "https://a.test/", Anonymous: true},
		{URL: "https://a.test/", Partition: origin.NewKey(siteA, siteA)},
		{URL: "https://a.test/", Partition: origin.NewKey(siteA, siteB)},
		{URL: "https://a.test/", Partition: origin.NewKey(siteB, siteA)},
		{URL: "https://a.test/", Partition: origin.NewKey(siteA, origin.Site{})},
		{URL: "https://a.test/", Partition: origin.NewKey(origin.Site{}, origin.Site{})},
		{URL: "https://a.test/", Partition: origin.NewKey(origin.Site{Domain: "https"}, origin.Site{Scheme: "a.test"})},
		{URL: "https://a.test/", Partition: origin.NewKey(origin.Site{Scheme: "https"}, origin.Site{Domain: "a.test"})},
		{URL: "\x00\xff\n" + strings.Repeat("long", 1000)},
	}
}

func TestKeyRoundTrip(t *testing.T) {
	forms := make(map[string]store.Key)
	for _, want := range manyKeys() {
		b, err := store.AppendKey([]byte("before"), &want)
		if err != nil {
			t.Fatal(err)
		}
		b, ok := bytes.CutPrefix(b, []byte("before"))
		if !ok {
			t.Fatalf("%+v: what was there before is gone", want)
		}
		got, err := store.ParseKey(b)
		if err != nil || got != want {
			t.Errorf("got %+v, %v; want %+v", got, err, want)
		}
		for n := range b {
			if k, err := store.ParseKey(b[:n]); !errors.Is(err, neterr.CacheReadFailure) || k != (store.Key{}) {
				t.Errorf("%+v cut to %d bytes: got %+v, %v", want, n, k, err)
			}
		}
		if _, err := store.ParseKey(append(b, 0)); !errors.Is(err, neterr.CacheReadFailure) {
			t.Errorf("%+v with one byte more: got %v", want, err)
		}
		if other, double := forms[string(b)]; double {
			t.Errorf("%+v and %+v have one form", want, other)
		}
		forms[string(b)] = want
	}
}

func TestAppendKeyRefused(t *testing.T) {
	tests := []struct {
		name string
		key  store.Key
		want neterr.Code
	}{
		{"nonce", store.Key{Partition: origin.NewNonceKey(siteA, siteA, "n")}, neterr.CacheOperationNotSupported},
		{"too long", store.Key{URL: strings.Repeat("x", store.MaxKey)}, neterr.FileTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := store.AppendKey([]byte("before"), &tt.key)
			if !errors.Is(err, tt.want) || string(b) != "before" {
				t.Errorf("got %d bytes, %v; want %v", len(b), err, tt.want)
			}
		})
	}
}

func TestParseKeyBad(t *testing.T) {
	tests := []struct{ name, key, want string }{
		{"unknown flag", "\x04\x00\x00\x00", "too large"},
		{"longer form", "\x00\x80\x00\x00\x00", "shortest"},
		{"URL beyond the end", "\x00\x03\x00\x00", "early"},
		{"too long", strings.Repeat("x", store.MaxKey+1), "too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := store.ParseKey([]byte(tt.key))
			if !errors.Is(err, neterr.CacheReadFailure) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error about %q", err, tt.want)
			}
		})
	}
}

func TestKeyAllocs(t *testing.T) {
	key := store.Key{URL: "https://a.test/", Partition: origin.NewKey(siteA, siteB)}
	b, err := store.AppendKey(make([]byte, 0, 256), &key)
	if err != nil {
		t.Fatal(err)
	}
	form := bytes.Clone(b)
	if got := testing.AllocsPerRun(100, func() { store.AppendKey(b[:0], &key) }); got != 0 {
		t.Errorf("append: got %v allocations, want none", got)
	}
	if got := testing.AllocsPerRun(100, func() { store.ParseKey(form) }); got > 1 {
		t.Errorf("parse: got %v allocations, want one", got)
	}
}
