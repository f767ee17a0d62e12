package netmon

import (
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a Monitor. The zero Config watches the system as Chromium does.
type Config struct {
	// PollInterval is how often addresses are listed where the system does not
	// report changes. 0: 5 s.
	PollInterval time.Duration
	// Settle is how long the network must have been quiet for [Monitor.SubscribeSettled].
	// 0: 2 s after a change of addresses, 1.5 s after going online, 0.5 s after going
	// offline; negative: no wait.
	Settle time.Duration
	// List replaces the system's list of addresses, and is polled. It is for programs
	// that may not ask the system, as on Android, or know better. It is called by New
	// and then by one goroutine, and must return soon. After an error the addresses
	// are taken to be what they were. nil: the system's.
	List func() ([]Address, error)
	// Logger hears when watching fails or falls back to polling. nil: silent.
	Logger *slog.Logger
}

// A Monitor watches the machine's addresses until it is closed. One can serve many
// sessions. Its methods may be called from any goroutine.
type Monitor struct {
	source source
	done   chan struct{} // closed when run has ended
	online atomic.Bool

	mu      sync.Mutex
	atOnce  []*subscriber // replaced, never written to: announce reads them unlocked
	settled []*subscriber
}

// A source is where addresses are learned from. Only close may be called while
// another call is under way.
type source interface {
	// list returns the addresses as last seen; the caller must not write.
	list() []Address
	// wait returns when list may have changed, saying whether addresses that count
	// came or went, even if list is as it was. It fails with os.ErrDeadlineExceeded
	// at the deadline, unless that is zero, and with another error after close.
	wait(deadline time.Time) (touched bool, err error)
	// close wakes wait. It may be called more than once.
	close()
}

type subscriber struct {
	call    func(Change)
	stopped atomic.Bool
}

// New starts watching. What happens after it returns is noticed. If the system
// cannot be watched it is polled; if that fails too, nothing ever changes, and the
// Logger hears of it. A Monitor must be closed.
func New(cfg Config) *Monitor {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Monitor{source: newSource(&cfg), done: make(chan struct{})}
	first := m.source.list()
	m.online.Store(online(first))
	go m.run(settler{fixed: cfg.Settle, announced: first, online: online(first)})
	return m
}

// Subscribe has f called as soon as addresses changed, once for changes that are
// noticed together. It is for who holds what may have become worthless (Chromium's
// IPAddressObserver). A cable pulled out changes no address yet.
//
// Subscribers are called one after the other in the order they came, on a goroutine
// of the Monitor and without a lock held. They may subscribe and stop, but must not
// call Close; while one blocks the others wait, but no change is lost. After stop
// returned f is not called any more, but a call under way goes on.
func (m *Monitor) Subscribe(f func(Change)) (stop func()) { return m.subscribe(&m.atOnce, f) }

// SubscribeSettled has f called once the network has been quiet for [Config.Settle]
// after addresses changed or the machine went online or offline, with all that
// changed since the last time (Chromium's NetworkChangeObserver). The rest is as for
// [Monitor.Subscribe].
func (m *Monitor) SubscribeSettled(f func(Change)) (stop func()) { return m.subscribe(&m.settled, f) }

// Online reports whether some interface is up and has an address that counts: what
// net.isOnline says in Electron. It is false on a machine that is reached by
// loopback or a tunnel alone, and before addresses could be learned.
func (m *Monitor) Online() bool { return m.online.Load() }

// Close ends the watch and waits for the subscriber that is being called, if any.
// No subscriber is called afterwards.
func (m *Monitor) Close() {
	m.source.close()
	<-m.done
}

func (m *Monitor) subscribe(to *[]*subscriber, f func(Change)) (stop func()) {
	s := &subscriber{call: f}
	m.mu.Lock()
	defer m.mu.Unlock()
	*to = append(slices.Clip(*to), s)
	return func() {
		s.stopped.Store(true)
		m.mu.Lock()
		defer m.mu.Unlock()
		*to = slices.DeleteFunc(slices.Clone(*to), func(other *subscriber) bool { return other == s })
	}
}

func (m *Monitor) run(s settler) {
	defer close(m.done)
	current := s.announced
	for {
		touched, err := m.source.wait(s.due)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if c, ok := s.announce(current); ok {
				m.announce(&m.settled, c)
			}
			continue
		case err != nil:
			return
		}
		c := Diff(current, m.source.list())
		current = m.source.list()
		moved := touched || !c.empty()
		reachability := m.online.Swap(c.Online) != c.Online
		if moved || reachability {
			s.observe(time.Now(), reachability)
		}
		if moved {
			m.announce(&m.atOnce, c)
		}
	}
}

func (m *Monitor) announce(to *[]*subscriber, c Change) {
	m.mu.Lock()
	subscribers := *to
	m.mu.Unlock()
	for _, s := range subscribers {
		if !s.stopped.Load() {
			s.call(c)
		}
	}
}
