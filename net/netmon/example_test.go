package netmon_test

import (
	"fmt"
	"net/netip"

	"github.com/kaon-net/kaon/net/netmon"
)

func Example() {
	m := netmon.New(netmon.Config{})
	defer m.Close()

	// Connections and resolved names may be worthless at once.
	stop := m.Subscribe(func(netmon.Change) { fmt.Println("close connections") })
	defer stop()

	// What is decided anew waits for the end of the commotion.
	m.SubscribeSettled(func(c netmon.Change) {
		if c.Online {
			fmt.Println("look for a proxy")
		}
	})
	// Output:
}

func ExampleDiff() {
	cable := netmon.Address{Interface: "eth0", Prefix: netip.MustParsePrefix("192.0.2.7/24")}
	radio := netmon.Address{Interface: "wlan0", Prefix: netip.MustParsePrefix("198.51.100.7/24")}
	private := netmon.Address{
		Interface: "wlan0", Prefix: netip.MustParsePrefix("2001:db8::5f3a/64"), Flags: netmon.Temporary,
	}
	c := netmon.Diff([]netmon.Address{cable}, []netmon.Address{radio, private})
	fmt.Println("added", c.Added[0].Prefix, "of", len(c.Added))
	fmt.Println("removed", c.Removed[0].Prefix)
	fmt.Println("online", c.Online)
	// Output:
	// added 198.51.100.7/24 of 1
	// removed 192.0.2.7/24
	// online true
}
