package disk_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
)

func Example() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := disk.Open(disk.Config{Dir: dir, Size: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	ctx := context.Background()
	key := &store.Key{URL: "https://a.test/"}
	e, err := s.Create(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	e.SetHead(&store.Head{Status: 200, Length: 5})
	e.WriteAt([]byte("hello"), 0)
	if err := e.Commit(ctx); err != nil {
		log.Fatal(err)
	}
	e.Close()

	if e, err = s.Open(ctx, key); err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	body, err := io.ReadAll(io.NewSectionReader(e, 0, e.Head().Length))
	fmt.Println(e.Head().Status, string(body), err)
	// Output: 200 hello <nil>
}
