package fuzz_test

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/origin"
)

// FuzzCacheHead: of all bytes that a stored head could be, those that are read are the
// ones that would be written for it.
func FuzzCacheHead(f *testing.F) {
	for _, h := range []store.Head{
		{},
		{State: store.Variants, Vary: exchange.FieldsOf("Accept", "*/*")},
		{
			Status: 206, StatusText: "Partial Content", Proto: "HTTP/2.0", Length: -1, State: store.Sparse,
			Header:      exchange.FieldsOf("ETag", `"x"`, "Vary", "Accept"),
			RequestTime: time.Unix(1e9, 0), ResponseTime: time.Unix(1e9, 5000), RefreshBy: time.Unix(2e9, 0),
			Remote: netip.MustParseAddrPort("[fe80::1%eth0]:443"),
		},
	} {
		f.Add(h.AppendBinary(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := store.ParseHead(b)
		if err != nil {
			return
		}
		if again := h.AppendBinary(nil); !bytes.Equal(again, b) {
			t.Errorf("%q reads as %+v, which writes %q", b, h, again)
		}
	})
}

// FuzzCacheKey: the same of keys.
func FuzzCacheKey(f *testing.F) {
	site := origin.Site{Scheme: "https", Domain: "a.test"}
	for _, k := range []store.Key{
		{},
		{URL: "https://a.test/b?c", Variant: 1 << 60, Upload: -5, Anonymous: true},
		{URL: "https://a.test/", Partition: origin.NewKey(site, origin.Site{})},
	} {
		b, err := store.AppendKey(nil, &k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := store.ParseKey(b)
		if err != nil {
			return
		}
		if again, err := store.AppendKey(nil, &k); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q reads as %+v, which writes %q, %v", b, k, again, err)
		}
	})
}
