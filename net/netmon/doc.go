// Package netmon notices that the machine's network changed.
//
// A [Monitor] compares the addresses of the network interfaces with those it saw
// before, and tells its subscribers, by Chromium's rules: loopback and tunnel
// interfaces do not count, nor do deprecated, tentative and temporary addresses, so
// that the rotation of IPv6 privacy addresses breaks no connection. There are two
// kinds of subscriber. Who holds something that the change made worthless, such as
// connections or resolved names, wants to know at once; who decides anew, such as
// proxy auto-detection, waits until the network has settled:
//
//	m := netmon.New(netmon.Config{})
//	defer m.Close()
//	stop := m.Subscribe(func(netmon.Change) { pool.CloseAll(neterr.NetworkChanged) })
//	defer stop()
//	m.SubscribeSettled(func(c netmon.Change) { proxies.Reconsider() })
//
// On Linux the kernel reports changes (rtnetlink) and a Monitor costs nothing while
// there are none. Elsewhere, and where the kernel refuses, the interfaces are listed
// every few seconds. Those lists do not say which IPv6 addresses are temporary, so
// there an IPv6 network counts as one, whatever addresses the machine has in it.
//
// The package needs nothing but the system. What counts as a change is [Diff], a
// function of two lists; what rtnetlink says is kept in a [Table].
package netmon
