package netmon_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/net/nettest"
)

// TestKernel watches real interfaces.
func TestKernel(t *testing.T) {
	ip := nettest.Program(t, "ip", "iproute2")
	if !nettest.InNamespace(t) {
		return
	}
	n := &namespace{ip: ip}
	nettest.IP(t, "link set lo up")
	nettest.IP(t, "link add v0 type veth peer name v1")
	// No addresses of the kernel's own making: they come when they like.
	nettest.IP(t, "link set v0 addrgenmode none")
	nettest.IP(t, "link set v1 addrgenmode none")
	nettest.IP(t, "link set v1 up")
	t.Run("what counts", n.testWhatCounts)
	t.Run("temporary addresses", n.testTemporary)
	t.Run("links", n.testLinks)
	t.Run("forged reports", n.testForged)
	t.Run("lost reports", n.testLost)
	t.Run("there and back", n.testBlink)
	t.Run("no kernel", n.testRefused)
	t.Run("close", n.testClose)
}

// A namespace is the network that the test may change.
type namespace struct {
	ip     string
	serial byte
}

// watch starts a monitor whose changes come through the channel.
func (n *namespace) watch(t *testing.T, cfg netmon.Config) (*netmon.Monitor, <-chan netmon.Change) {
	t.Helper()
	nettest.CheckGoroutines(t)
	m := netmon.New(cfg)
	t.Cleanup(m.Close)
	changes := make(chan netmon.Change, 100)
	m.Subscribe(func(c netmon.Change) { changes <- c })
	return m, changes
}

func next(t *testing.T, changes <-chan netmon.Change) netmon.Change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(5 * time.Second):
		t.Fatal("no change within 5 s")
		return netmon.Change{}
	}
}

// nothing makes sure that no change is announced for what was done: the next one
// must be that of an address which is added now, and removed again.
func (n *namespace) nothing(t *testing.T, changes <-chan netmon.Change) {
	t.Helper()
	n.serial++
	mark := fmt.Sprintf("10.255.255.%d/32", n.serial)
	nettest.IP(t, "addr add "+mark+" dev v0")
	if c := next(t, changes); names(c.Added) != "v0 "+mark || len(c.Removed) > 0 {
		t.Fatalf("got added %q, removed %q, want nothing but the mark %s", names(c.Added), names(c.Removed), mark)
	}
	nettest.IP(t, "addr del "+mark+" dev v0")
	if c := next(t, changes); names(c.Removed) != "v0 "+mark || len(c.Added) > 0 {
		t.Fatalf("got added %q, removed %q, want nothing but the mark %s to go", names(c.Added), names(c.Removed), mark)
	}
}

func (n *namespace) testWhatCounts(t *testing.T) {
	m, changes := n.watch(t, netmon.Config{})
	settled := make(chan netmon.Change, 100)
	m.SubscribeSettled(func(c netmon.Change) { settled <- c })
	if m.Online() {
		t.Error("got online with loopback alone")
	}
	nettest.IP(t, "link set v0 up")
	nettest.IP(t, "addr add 192.0.2.7/24 dev v0")
	if c := next(t, changes); names(c.Added) != "v0 192.0.2.7/24" || len(c.Removed) > 0 || !c.Online {
		t.Errorf("an address: got %+v", c)
	}
	if !m.Online() {
		t.Error("got offline with an address")
	}
	for _, quiet := range []string{
		"addr add 198.51.100.1/24 dev lo",
		"addr add 192.0.2.8/24 dev v0 preferred_lft 0 valid_lft forever",
		"addr del 192.0.2.8/24 dev v0",
		"addr change 192.0.2.7/24 dev v0 preferred_lft 1000 valid_lft 2000",
		"route add 203.0.113.0/24 dev v0",
		"link set v0 mtu 1400",
		"link add tun7 type veth peer name w7",
		"link set w7 up",
		"link set tun7 addrgenmode none",
		"link set tun7 up",
		"addr add 198.51.100.2/24 dev tun7",
		"link del tun7",
	} {
		nettest.IP(t, quiet)
	}
	n.nothing(t, changes)
	nettest.IP(t, "addr add 2001:db8::7/64 dev v0 nodad")
	if c := next(t, changes); names(c.Added) != "v0 2001:db8::7/64" || len(c.Removed) > 0 {
		t.Errorf("an IPv6 address: got %+v", c)
	}
	nettest.IP(t, "addr del 192.0.2.7/24 dev v0")
	if c := next(t, changes); names(c.Removed) != "v0 192.0.2.7/24" || len(c.Added) > 0 || !c.Online {
		t.Errorf("it goes: got %+v", c)
	}
	nettest.IP(t, "addr del 2001:db8::7/64 dev v0")
	if c := next(t, changes); names(c.Removed) != "v0 2001:db8::7/64" || c.Online {
		t.Errorf("the last one goes: got %+v", c)
	}
	select {
	case c := <-settled:
		t.Errorf("settled while addresses came and went: %+v", c)
	default:
	}
}

func (n *namespace) testTemporary(t *testing.T) {
	nettest.IP(t, "link set v0 up")
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/v0/use_tempaddr", []byte("2"), 0o644); err != nil {
		t.Skipf("this kernel makes no temporary addresses: %v", err)
	}
	_, changes := n.watch(t, netmon.Config{})
	nettest.IP(t, "addr add 2001:db8::7/64 dev v0 nodad mngtmpaddr")
	if c := next(t, changes); names(c.Added) != "v0 2001:db8::7/64" {
		t.Errorf("the lasting one: got %+v", c)
	}
	temporary := n.temporary(t)
	n.nothing(t, changes)
	nettest.IP(t, "addr del "+temporary+" dev v0")
	n.nothing(t, changes)
	nettest.IP(t, "addr flush dev v0")
	if c := next(t, changes); names(c.Removed) != "v0 2001:db8::7/64" {
		t.Errorf("all go: got %+v", c)
	}
}

// temporary returns the temporary address that the kernel made for v0.
func (n *namespace) temporary(t *testing.T) (prefix string) {
	t.Helper()
	nettest.Eventually(t, "a temporary address", func() bool {
		out, err := exec.Command(n.ip, "-6", "-o", "addr", "show", "dev", "v0", "temporary").Output()
		if err != nil {
			return false
		}
		fields := strings.Fields(string(out))
		i := slices.Index(fields, "inet6")
		if i < 0 || i+1 >= len(fields) {
			return false
		}
		prefix = fields[i+1]
		return true
	})
	return prefix
}

func (n *namespace) testLinks(t *testing.T) {
	nettest.IP(t, "addr add 192.0.2.7/24 dev v0")
	m, changes := n.watch(t, netmon.Config{Settle: -1})
	settled := make(chan netmon.Change, 100)
	m.SubscribeSettled(func(c netmon.Change) { settled <- c })
	nettest.IP(t, "link set v1 down")
	if c := next(t, settled); c.Online || len(c.Added)+len(c.Removed) > 0 {
		t.Errorf("unplugged: got %+v", c)
	}
	nettest.IP(t, "link set v1 up")
	if c := next(t, settled); !c.Online || len(c.Added)+len(c.Removed) > 0 {
		t.Errorf("plugged in: got %+v", c)
	}
	select {
	case c := <-changes:
		t.Errorf("other addresses: got %+v, want none", c)
	default:
	}
	nettest.IP(t, "link add x0 type veth peer name x1")
	nettest.IP(t, "addr add 198.51.100.7/24 dev x0")
	if c := next(t, changes); names(c.Added) != "x0 198.51.100.7/24" {
		t.Errorf("a new interface: got %+v", c)
	}
	nettest.IP(t, "link del x0")
	if c := next(t, changes); names(c.Removed) != "x0 198.51.100.7/24" {
		t.Errorf("the interface goes: got %+v", c)
	}
	nettest.IP(t, "addr del 192.0.2.7/24 dev v0")
	next(t, changes)
}

// A privileged program can send to the monitor's socket, but is not the kernel.
func (n *namespace) testForged(t *testing.T) {
	_, changes := n.watch(t, netmon.Config{})
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	to := &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Pid: uint32(os.Getpid())} // the port of a process's first socket
	if err := unix.Sendto(fd, addrMsg(newAddr, 2, "192.0.2.66/24", 0), 0, to); err != nil {
		t.Fatalf("send to the monitor: %v", err)
	}
	n.nothing(t, changes)
}

// While a subscriber blocks, more happens than the kernel keeps for the monitor: it
// keeps the oldest reports, so that most addresses come and never go.
func (n *namespace) testLost(t *testing.T) {
	nettest.CheckGoroutines(t)
	m := netmon.New(netmon.Config{})
	defer m.Close()
	changes, release := make(chan netmon.Change, 100), make(chan struct{})
	m.Subscribe(func(c netmon.Change) {
		changes <- c
		<-release
	})
	nettest.IP(t, "addr add 10.0.0.1/32 dev v0")
	if c := next(t, changes); names(c.Added) != "v0 10.0.0.1/32" {
		t.Errorf("before: got %+v", c)
	}
	var batch strings.Builder
	for _, verb := range []string{"add", "del"} {
		for i := range 2000 {
			fmt.Fprintf(&batch, "addr %s 10.1.%d.%d/32 dev v0\n", verb, i/250, i%250+1)
		}
	}
	batch.WriteString("addr add 10.0.0.2/32 dev v0\n")
	n.batch(t, batch.String())
	close(release)
	// What was missed is made up for by lists, which may take two looks.
	present := make(map[netip.Prefix]bool)
	for !present[netip.MustParsePrefix("10.0.0.2/32")] || len(present) != 1 {
		c := next(t, changes)
		for _, a := range c.Added {
			present[a.Prefix] = true
		}
		for _, a := range c.Removed {
			delete(present, a.Prefix)
		}
	}
	n.nothing(t, changes)
	nettest.IP(t, "addr flush dev v0")
}

// An address that came back before anybody looked may belong to another network.
func (n *namespace) testBlink(t *testing.T) {
	nettest.CheckGoroutines(t)
	m := netmon.New(netmon.Config{})
	defer m.Close()
	changes, release := make(chan netmon.Change), make(chan struct{})
	m.Subscribe(func(c netmon.Change) {
		changes <- c
		<-release
	})
	nettest.IP(t, "addr add 192.0.2.7/24 dev v0")
	next(t, changes)
	n.batch(t, "addr del 192.0.2.7/24 dev v0\naddr add 192.0.2.7/24 dev v0\n")
	close(release)
	if c := next(t, changes); len(c.Added)+len(c.Removed) > 0 || !c.Online {
		t.Errorf("got %+v, want a change with nothing added or removed", c)
	}
	m.Close()
	nettest.IP(t, "addr flush dev v0")
}

// batch runs ip once, with a command in each line.
func (n *namespace) batch(t *testing.T, lines string) {
	t.Helper()
	cmd := exec.Command(n.ip, "-batch", "-")
	cmd.Stdin = strings.NewReader(lines)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ip -batch: %v\n%s", err, out)
	}
}

// Without a descriptor left there is no socket, but polling begins to work later.
func (n *namespace) testRefused(t *testing.T) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	none := limit
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	m, changes := n.watch(t, netmon.Config{
		PollInterval: 10 * time.Millisecond,
		Logger:       slog.New(slog.NewTextHandler(&logged, nil)),
	})
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if m.Online() {
		t.Error("got online without knowing an address")
	}
	nettest.IP(t, "addr add 192.0.2.7/24 dev v0")
	if c := next(t, changes); names(c.Added) != "v0 192.0.2.7/24" || !c.Online {
		t.Errorf("an address: got %+v", c)
	}
	nettest.IP(t, "addr add 2001:db8::7/64 dev v0 nodad")
	if c := next(t, changes); names(c.Added) != "v0 2001:db8::/64" {
		t.Errorf("an IPv6 network: got %+v", c)
	}
	nettest.IP(t, "addr add 2001:db8::8/64 dev v0 nodad")
	n.nothing(t, changes)
	m.Close()
	if !strings.Contains(logged.String(), "too many open files") {
		t.Errorf("got log %q, want the reason", logged.String())
	}
	nettest.IP(t, "addr flush dev v0")
}

func (n *namespace) testClose(t *testing.T) {
	nettest.CheckGoroutines(t)
	for range 50 {
		m := netmon.New(netmon.Config{Settle: time.Hour})
		stop := m.Subscribe(func(netmon.Change) {})
		m.Close()
		stop()
	}
	if open, err := os.ReadDir("/proc/self/fd"); err != nil && !errors.Is(err, os.ErrNotExist) || len(open) > 25 {
		t.Errorf("got %d open files after 50 monitors, %v", len(open), err)
	}
}
