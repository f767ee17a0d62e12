package session

import (
	"log/slog"
	"sync"

	"github.com/kaon-net/kaon/dns"
	"github.com/kaon-net/kaon/net/netmon"
	"github.com/kaon-net/kaon/net/transport"
	"github.com/kaon-net/kaon/netlog"
)

// A lookout tells a session's resolver and transport that the network changed. It keeps watch
// from the session's first connection on: before, there is nothing to lose.
type lookout struct {
	watch     *watch
	logger    *slog.Logger
	log       *netlog.Log
	resolver  *dns.Resolver
	transport *transport.Transport

	once sync.Once
	stop func() // nil: never started
}

// start is called before each connection is made, and is cheap from the second time
// on. After close it does nothing.
func (l *lookout) start() {
	l.once.Do(func() {
		m, leave := l.watch.join(l.logger)
		now, settled := m.Subscribe(l.changed), m.SubscribeSettled(l.settled)
		l.stop = func() { now(); settled(); leave() }
	})
}

func (l *lookout) close() {
	l.once.Do(func() {})
	if l.stop != nil {
		l.stop()
	}
}

func (l *lookout) changed(netmon.Change) {
	l.log.Source(netlog.SourceNone).Event(netlog.NetworkIPAddressesChanged)
	l.resolver.NetworkChanged()
	l.transport.NetworkChanged()
}

// settled logs as Chromium does: the old network ends before the new one begins.
func (l *lookout) settled(c netmon.Change) {
	l.networkChanged("CONNECTION_NONE")
	if c.Online {
		l.networkChanged("CONNECTION_UNKNOWN") // of which kind, nobody asked
	}
}

func (l *lookout) networkChanged(kind string) {
	l.log.Source(netlog.SourceNone).Event(netlog.NetworkChanged, netlog.String("new_connection_type", kind))
}

// A watch is the monitor that the sessions of a profile share. It is there while one
// of them has use for it.
type watch struct {
	mu     sync.Mutex
	shared *sharedMonitor // nil while nobody has
}

type sharedMonitor struct {
	users int // guarded by watch.mu
	open  func() *netmon.Monitor
}

// watchOf is a watch over the program's own monitor. That is the program's to close:
// it counts as a user who never leaves.
func watchOf(m *netmon.Monitor) *watch {
	return &watch{shared: &sharedMonitor{users: 1, open: func() *netmon.Monitor { return m }}}
}

// join returns the monitor, which is the caller's until it leaves.
func (w *watch) join(logger *slog.Logger) (m *netmon.Monitor, leave func()) {
	w.mu.Lock()
	if w.shared == nil {
		w.shared = &sharedMonitor{open: sync.OnceValue(func() *netmon.Monitor {
			return netmon.New(netmon.Config{Logger: logger})
		})}
	}
	s := w.shared
	s.users++
	w.mu.Unlock()
	return s.open(), func() { w.leave(s) }
}

func (w *watch) leave(s *sharedMonitor) {
	w.mu.Lock()
	s.users--
	last := s.users == 0
	if last {
		w.shared = nil
	}
	w.mu.Unlock()
	if last {
		s.open().Close()
	}
}
