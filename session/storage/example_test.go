package storage_test

import (
	"context"
	"fmt"
	"log"
	"net/url"
	"os"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/hsts"
	"github.com/kaon-net/kaon/session/storage"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	// run is what a program does each time, with engines that know nothing yet.
	run := func(use func(*cookiejar.Jar, *hsts.Store, *storage.Registry)) {
		jar, secure := cookiejar.New(cookiejar.Config{}), hsts.New(hsts.Config{})
		cookies, err := storage.CookieKind(jar, storage.CookieOptions{})
		if err != nil {
			log.Fatal(err)
		}
		reg := storage.NewRegistry(cookies, storage.HSTSKind(secure))
		store, err := storage.Open(storage.Config{Dir: dir, Registry: reg})
		if err != nil {
			log.Fatal(err)
		}
		use(jar, secure, reg)
		if err := store.Close(); err != nil {
			log.Fatal(err)
		}
	}
	run(func(jar *cookiejar.Jar, secure *hsts.Store, _ *storage.Registry) {
		jar.Set(cookiejar.Details{URL: "https://www.example/", Name: "id", Value: "1", Expires: time.Now().Add(time.Hour)})
		secure.Receive(&url.URL{Scheme: "https", Host: "www.example"}, "max-age=1000")
	})
	run(func(jar *cookiejar.Jar, secure *hsts.Store, reg *storage.Registry) {
		fmt.Println(jar.Len(), secure.Required("www.example"))
		err := reg.ClearStorage(context.Background(), storage.ClearStorageOptions{})
		fmt.Println(jar.Len(), secure.Required("www.example"), err)
	})
	// Output:
	// 1 true
	// 0 true <nil>
}
