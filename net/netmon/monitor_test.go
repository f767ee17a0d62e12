package netmon_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/net/nettest"
)

const interval = 100 * time.Millisecond

// A fakeNetwork is a list of addresses that tests change, and a record of what the
// subscribers heard, with the time since the record was last taken.
type fakeNetwork struct {
	mu    sync.Mutex
	list  []netmon.Address
	err   error
	asked int
	heard []string
	since time.Time
}

func (n *fakeNetwork) set(err error, list ...netmon.Address) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list, n.err = list, err
	n.since = time.Now()
}

func (n *fakeNetwork) addresses() ([]netmon.Address, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	return n.list, n.err
}

func (n *fakeNetwork) hear(who string) func(netmon.Change) {
	return func(c netmon.Change) {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.heard = append(n.heard, fmt.Sprintf("%v %s +[%s] -[%s] %v", time.Since(n.since), who, names(c.Added), names(c.Removed), c.Online))
	}
}

// took lets time pass and returns what was heard meanwhile, a line each.
func (n *fakeNetwork) took(d time.Duration) string {
	time.Sleep(d) // fake time: tests run in a bubble
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	defer func() { n.heard = nil }()
	return strings.Join(n.heard, "\n")
}

func (n *fakeNetwork) config() netmon.Config {
	return netmon.Config{List: n.addresses, PollInterval: interval}
}

func TestMonitor(t *testing.T) {
	var (
		eth  = addr("eth0 192.0.2.7/24")
		down = addr("eth0 192.0.2.7/24", netmon.Down)
		wlan = addr("wlan0 198.51.100.7/24")
		lo   = addr("lo 127.0.0.1/8", netmon.Loopback)
	)
	type step struct {
		name string
		list []netmon.Address
		wait time.Duration // 10 s if zero
		want string
	}
	type list = []netmon.Address
	tests := []struct {
		name   string
		settle time.Duration
		start  list
		steps  []step
	}{
		{
			name: "other addresses", start: list{lo, eth},
			steps: []step{
				{"the same", list{eth, lo}, 0, ""},
				{"one more", list{eth, wlan}, 0, "100ms now +[wlan0 198.51.100.7/24] -[] true\n2.1s settled +[wlan0 198.51.100.7/24] -[] true"},
				{"one less", list{wlan}, 0, "100ms now +[] -[eth0 192.0.2.7/24] true\n2.1s settled +[] -[eth0 192.0.2.7/24] true"},
			},
		},
		{
			name: "two changes settle as one", start: list{eth},
			steps: []step{
				{"gone", list{}, 300 * time.Millisecond, "100ms now +[] -[eth0 192.0.2.7/24] false"},
				{"the next one", list{wlan}, 0, "100ms now +[wlan0 198.51.100.7/24] -[] true\n600ms settled +[wlan0 198.51.100.7/24] -[eth0 192.0.2.7/24] true"},
			},
		},
		{
			name: "back before it settled", start: list{eth},
			steps: []step{
				{"gone", list{}, 300 * time.Millisecond, "100ms now +[] -[eth0 192.0.2.7/24] false"},
				{"back", list{eth}, 0, "100ms now +[eth0 192.0.2.7/24] -[] true\n600ms settled +[] -[] true"},
			},
		},
		{
			name: "unplugged", start: list{eth},
			steps: []step{
				{"unplugged", list{down}, 0, "600ms settled +[] -[] false"},
				{"plugged in", list{eth}, 0, "1.6s settled +[] -[] true"},
			},
		},
		{
			name: "offline before and after", start: list{down},
			steps: []step{
				{"nothing to settle", list{addr("eth1 192.0.2.9/24", netmon.Down)}, 0, "100ms now +[eth1 192.0.2.9/24] -[eth0 192.0.2.7/24] false"},
				{"online", list{eth}, 0, "100ms now +[eth0 192.0.2.7/24] -[eth1 192.0.2.9/24] true\n1.6s settled +[] -[] true"},
			},
		},
		{
			name: "own time to settle", settle: time.Second, start: list{eth},
			steps: []step{{"gone", list{}, 0, "100ms now +[] -[eth0 192.0.2.7/24] false\n1.1s settled +[] -[eth0 192.0.2.7/24] false"}},
		},
		{
			name: "no time to settle", settle: -1, start: list{eth},
			steps: []step{{"gone", list{}, 0, "100ms now +[] -[eth0 192.0.2.7/24] false\n100ms settled +[] -[eth0 192.0.2.7/24] false"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n fakeNetwork
				n.set(nil, tt.start...)
				cfg := n.config()
				cfg.Settle = tt.settle
				m := netmon.New(cfg)
				defer m.Close()
				m.Subscribe(n.hear("now"))
				m.SubscribeSettled(n.hear("settled"))
				for _, s := range tt.steps {
					n.set(nil, s.list...)
					if s.wait == 0 {
						s.wait = 10 * time.Second
					}
					if got := n.took(s.wait); got != s.want {
						t.Errorf("%s: got\n%s\nwant\n%s", s.name, got, s.want)
					}
					if want := netmon.Diff(nil, s.list).Online; m.Online() != want {
						t.Errorf("%s: got online %v, want %v", s.name, m.Online(), want)
					}
				}
			})
		})
	}
}

func TestMonitorStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n fakeNetwork
		m := netmon.New(n.config())
		defer m.Close()
		var stopSecond func()
		stopFirst := m.Subscribe(func(c netmon.Change) {
			n.hear("first")(c)
			stopSecond()
			m.Subscribe(n.hear("late"))
		})
		stopSecond = m.Subscribe(n.hear("second"))
		m.Subscribe(n.hear("third"))

		n.set(nil, addr("eth0 192.0.2.7/24"))
		want := "100ms first +[eth0 192.0.2.7/24] -[] true\n100ms third +[eth0 192.0.2.7/24] -[] true"
		if got := n.took(interval); got != want {
			t.Errorf("got\n%s\nwant, without the one who was stopped and the one who came late,\n%s", got, want)
		}
		stopFirst()
		stopFirst()
		n.set(nil)
		want = "100ms third +[] -[eth0 192.0.2.7/24] false\n100ms late +[] -[eth0 192.0.2.7/24] false"
		if got := n.took(interval); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestMonitorCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n fakeNetwork
		m := netmon.New(n.config())
		called, leave := make(chan struct{}), make(chan struct{})
		m.Subscribe(func(netmon.Change) { close(called); <-leave })
		m.Subscribe(n.hear("next"))
		n.set(nil, addr("eth0 192.0.2.7/24"))
		<-called
		closed := make(chan struct{})
		go func() { m.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Fatal("Close did not wait for the subscriber")
		default:
		}
		close(leave)
		<-closed
		m.Close()
		m.Subscribe(n.hear("after"))
		n.set(nil)
		asked := n.asked
		n.took(time.Minute)
		if n.asked != asked {
			t.Errorf("the addresses were listed %d times after Close", n.asked-asked)
		}
	})
}

func TestMonitorListFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n fakeNetwork
		var logged bytes.Buffer
		cfg := n.config()
		cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		n.set(nil, addr("eth0 192.0.2.7/24"))
		m := netmon.New(cfg)
		m.Subscribe(n.hear("now"))
		m.SubscribeSettled(n.hear("settled"))
		n.set(errors.New("no more files"))
		if got := n.took(time.Minute); got != "" || !m.Online() {
			t.Errorf("failing: got %q and online %v, want all as it was", got, m.Online())
		}
		n.set(nil, addr("eth0 192.0.2.7/24"))
		if got := n.took(time.Minute); got != "" {
			t.Errorf("listed again: got %q, want nothing", got)
		}
		m.Close()
		if got := strings.Count(logged.String(), "no more files"); got != 1 {
			t.Errorf("logged %d times, want once:\n%s", got, logged.String())
		}
	})
}

func TestMonitorDefaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n fakeNetwork
		m := netmon.New(netmon.Config{List: n.addresses})
		defer m.Close()
		n.took(time.Minute + time.Second)
		if n.asked != 13 {
			t.Errorf("got %d lists in a minute, want 13: at first and every 5 s", n.asked)
		}
	})
}

// Whatever this system is, its monitor starts and ends.
func TestMonitorOfTheSystem(t *testing.T) {
	nettest.CheckGoroutines(t)
	m := netmon.New(netmon.Config{})
	m.Subscribe(func(netmon.Change) {})
	m.Close()
	m.Close()
}
