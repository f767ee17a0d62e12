package session_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/session"
	"github.com/kaon-net/kaon/session/storage"
)

// What a session with a directory knows outlives it; what is cleared does not.
func ExampleSession_ClearData() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	key := []byte("32 bytes that the program keeps!") // seals the values of cookies
	first, err := session.New(session.Config{Path: dir, CookieKey: key})
	if err != nil {
		log.Fatal(err)
	}
	for _, url := range []string{"https://www.example.com/", "https://other.example.net/"} {
		if err := first.Cookies().Set(cookiejar.Details{
			URL: url, Name: "id", Value: "1", Expires: time.Now().Add(24 * time.Hour),
		}); err != nil {
			log.Fatal(err)
		}
	}
	_, err = session.New(session.Config{Path: dir})
	fmt.Println("while it is open:", errors.Is(err, storage.ErrInUse))
	if err := first.Close(ctx); err != nil {
		log.Fatal(err)
	}

	second, err := session.New(session.Config{Path: dir, CookieKey: key})
	if err != nil {
		log.Fatal(err)
	}
	err = second.ClearData(ctx, &storage.ClearDataOptions{
		DataTypes: []storage.DataType{storage.Cookies},
		Origins:   []string{"https://example.com"}, // with all hosts of its domain
	})
	if err != nil {
		log.Fatal(err)
	}
	for c := range second.Cookies().All(cookiejar.Filter{}) {
		fmt.Println("left:", c.Domain)
	}
	fmt.Println(second.Delete(ctx))
	_, err = os.Stat(dir)
	fmt.Println("deleted:", errors.Is(err, os.ErrNotExist))
	// Output:
	// while it is open: true
	// left: other.example.net
	// <nil>
	// deleted: true
}
