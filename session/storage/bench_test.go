package storage_test

import (
	"fmt"
	"testing"

	"github.com/kaon-net/kaon/session/storage"
)

// full is a directory with as many cookies as a jar takes.
func full(b *testing.B, o storage.CookieOptions) string {
	b.Helper()
	dir := b.TempDir()
	r := open(b, dir, o)
	for i := range 3300 {
		r.set(b, fmt.Sprintf("www.site%d.example", i/3), fmt.Sprintf("name%d", i%3), fmt.Sprintf("a value of %040d", i))
	}
	r.close(b)
	return dir
}

var kinds = []struct {
	name string
	o    storage.CookieOptions
}{
	{"plain", storage.CookieOptions{}},
	{"sealed", storage.CookieOptions{Keys: [][]byte{make([]byte, storage.KeySize)}}},
}

// BenchmarkOpen3300 opens a store with 3,300 cookies, which has to take less than 20 ms.
func BenchmarkOpen3300(b *testing.B) {
	for _, k := range kinds {
		b.Run("cookies="+k.name, func(b *testing.B) {
			dir := full(b, k.o)
			b.ReportAllocs()
			for b.Loop() {
				r, err := tryOpen(dir, k.o)
				if err != nil || r.jar.Len() != 3300 {
					b.Fatalf("got %d cookies, %v", r.jar.Len(), err)
				}
				b.StopTimer()
				r.close(b)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkOpenEmpty opens a directory in which nothing was ever kept.
func BenchmarkOpenEmpty(b *testing.B) {
	dir := b.TempDir()
	b.ReportAllocs()
	for b.Loop() {
		open(b, dir, storage.CookieOptions{}).close(b)
	}
}

// BenchmarkFlush writes one changed cookie of 3,300.
func BenchmarkFlush(b *testing.B) {
	r := open(b, full(b, storage.CookieOptions{}), storage.CookieOptions{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.set(b, "www.site7.example", "name1", fmt.Sprint(i))
		r.flush(b)
	}
}

// BenchmarkChange is what a store costs who sets a cookie.
func BenchmarkChange(b *testing.B) {
	r := open(b, b.TempDir(), storage.CookieOptions{})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.set(b, "www.site7.example", "name1", "value")
	}
}
