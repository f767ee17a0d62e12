package redis_test

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/kaon-net/kaon/cache/redis"
	"github.com/kaon-net/kaon/cache/store"
)

// Each machine of a fleet opens the same server and finds what the others have stored.
// Nothing runs where there is none: all is a miss.
func Example() {
	s, err := redis.New(redis.Config{
		URL:    "redis://127.0.0.1:1/0",
		Prefix: "fleet:",
		TTL:    24 * time.Hour,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	_, err = s.Open(ctx, &store.Key{URL: "https://example.com/"})
	fmt.Println(errors.Is(err, store.ErrMiss), s.Failures())
	// Output: true 1
}
