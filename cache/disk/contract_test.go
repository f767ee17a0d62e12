package disk_test

import (
	"testing"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/internal/storetest"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/nettest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		nettest.CheckGoroutines(t)
		s, err := disk.Open(disk.Config{Dir: t.TempDir(), Size: 64 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
