package mem_test

import (
	"fmt"

	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
)

func Example() {
	s := mem.New(mem.Config{Size: 1 << 20})
	defer s.Close()

	key := &store.Key{URL: "https://example.com/"}
	e, err := s.Create(ctx, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	e.SetHead(&store.Head{Status: 200, Length: 5})
	e.WriteAt([]byte("hello"), 0)
	e.Commit(ctx)
	e.Close()

	e, err = s.Open(ctx, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	body := make([]byte, e.Head().Length)
	e.ReadAt(body, 0)
	fmt.Println(e.Head().Status, string(body), s.MaxEntrySize())
	// Output: 200 hello 131072
}
