package storage

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// How long changes may wait, and how long a store that could not write does (Chromium,
// but for HSTS: it writes that every ten minutes, because the whole of it at once).
const (
	cookieDelay = 30 * time.Second
	otherDelay  = 60 * time.Second
	retryDelay  = 30 * time.Second
)

// Config says what a Store keeps, and where.
type Config struct {
	Dir      string // the session's directory, absolute; it is made if it is not there
	Registry *Registry
	Logger   *slog.Logger // warnings: what was set aside, lost, or cannot be written; nil is silent
}

// A Store keeps the kinds of a Registry in a directory. Any number of goroutines may use
// it.
type Store struct {
	file   file
	kinds  []Kind // with records
	logger *slog.Logger
	lock   io.Closer
	stops  []func() // end the kinds' notices

	// writing has one token. Who has it writes, and uses what follows.
	writing chan struct{}
	foreign map[string][]byte // records of kinds that are not registered, kept as they are
	anew    bool              // the file is to be written anew
	failing bool              // the last write failed, and a warning has been given

	mu     sync.Mutex // guards what follows
	timer  *time.Timer
	due    time.Time      // when the timer ends, if there is one
	ticks  sync.WaitGroup // writes that the timer began
	closed bool
}

// Open takes the directory, and gives the kinds what was kept there. It does not wait for
// one who has the directory: the error is ErrInUse then. What is kept and cannot be read,
// because it is damaged or a later version's, is set aside with a warning; an error of the
// disk is returned.
func Open(cfg Config) (*Store, error) {
	network := filepath.Join(cfg.Dir, networkDir)
	if err := os.MkdirAll(network, 0o700); err != nil {
		return nil, neterr.FromOp("open session", err)
	}
	lock, err := lockFile(filepath.Join(network, lockName))
	if err != nil {
		if errors.Is(err, ErrInUse) {
			return nil, inUse(cfg.Dir)
		}
		return nil, neterr.FromOp("open session", err)
	}
	s := &Store{
		file: file{filepath.Join(network, stateName)}, logger: cfg.Logger, lock: lock,
		writing: make(chan struct{}, 1), foreign: make(map[string][]byte),
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	for _, k := range cfg.Registry.kinds {
		if k.Records != nil {
			s.kinds = append(s.kinds, k)
		}
	}
	if err := s.load(); err != nil {
		lock.Close()
		return nil, neterr.FromOp("open session", err)
	}
	for _, k := range s.kinds {
		delay := otherDelay
		if k.Type == Cookies {
			delay = cookieDelay
		}
		s.stops = append(s.stops, k.Records.Watch(func(soon bool) {
			if soon {
				s.writeIn(0)
			} else {
				s.writeIn(delay)
			}
		}))
	}
	if s.anew {
		s.writeIn(0)
	}
	return s, nil
}

// load gives the kinds their records.
func (s *Store) load() error {
	records, lost, err := s.file.read()
	if isUnreadable(err) {
		if err := s.setAside(err); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	s.anew = lost > 0
	for _, k := range s.kinds {
		mine := records[k.Type]
		delete(records, k.Type)
		r := k.Records.Restore(func(yield func(string, []byte) bool) {
			for _, m := range mine {
				if !yield(m.key, m.value) {
					return
				}
			}
		})
		s.anew = s.anew || r.Anew
		lost += r.Lost
		if r.Locked > 0 {
			s.logger.Warn("session: sealed with another key than the one given; kept, but not restored",
				"data", k.Type, "records", r.Locked)
		}
		if r.Err != nil {
			s.logger.Warn("session: cannot keep data without their key", "data", k.Type, "error", r.Err)
		}
	}
	for t, list := range records {
		for _, m := range list {
			s.foreign[recordKey(t, m.key)] = slices.Clone(m.value)
		}
	}
	if lost > 0 {
		s.logger.Warn("session: records that were damaged are lost", "file", s.file.path, "records", lost)
	}
	return nil
}

func (s *Store) setAside(why error) error {
	to, err := s.file.setAside()
	if err != nil {
		return err
	}
	s.logger.Warn("session: a file that cannot be read was set aside", "file", s.file.path, "to", to, "error", why)
	return nil
}

// writeIn has what changed written in d, if that is not to happen sooner.
func (s *Store) writeIn(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := time.Now().Add(d)
	if s.closed || s.timer != nil && !at.Before(s.due) {
		return
	}
	if s.timer != nil {
		s.timer.Stop()
	}
	s.due = at
	s.timer = time.AfterFunc(d, s.tick)
}

func (s *Store) tick() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.ticks.Add(1)
	s.mu.Unlock()
	defer s.ticks.Done()
	s.writing <- struct{}{}
	s.write(false)
	<-s.writing
}

// Flush writes what has changed since the last time, and returns when it is on the disk.
// ctx bounds the wait for a write that is under way, not the write itself.
func (s *Store) Flush(ctx context.Context) error { return s.flush(ctx, false) }

// Scrub is Flush into a new file, so that nothing is left of what was forgotten.
func (s *Store) Scrub(ctx context.Context) error { return s.flush(ctx, true) }

func (s *Store) flush(ctx context.Context, anew bool) error {
	select {
	case s.writing <- struct{}{}:
		defer func() { <-s.writing }()
	case <-ctx.Done():
		return neterr.From(context.Cause(ctx))
	}
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return &neterr.Error{Code: neterr.ContextShutDown, Op: "write session"}
	}
	return s.write(anew)
}

// Close writes what has changed and gives the directory back, whether it could be written
// or not. Closing twice is fine.
func (s *Store) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	if s.timer != nil {
		s.timer.Stop()
	}
	s.mu.Unlock()
	if closed {
		return nil
	}
	for _, stop := range s.stops {
		stop()
	}
	s.ticks.Wait()
	s.writing <- struct{}{}
	defer func() { <-s.writing }()
	return errors.Join(s.write(false), s.lock.Close())
}

// write is called with the token. If it fails, what is on disk stays as it was, and the
// next write is of everything.
func (s *Store) write(anew bool) error {
	s.mu.Lock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.mu.Unlock()
	s.anew = s.anew || anew
	err := s.save()
	if err != nil {
		s.anew = true
		if !s.failing {
			s.logger.Warn("session: cannot write; trying again", "file", s.file.path, "error", err)
		}
		s.writeIn(retryDelay)
	}
	s.failing = err != nil
	return neterr.FromOp("write session", err)
}

func (s *Store) save() error {
	if !s.anew {
		err := s.file.update(s.changes(false))
		if err == nil {
			return nil
		}
		if isUnreadable(err) {
			err = s.setAside(err)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	changes := s.changes(true)
	maps.Copy(changes, s.foreign)
	if err := s.file.replace(changes); err != nil {
		return err
	}
	s.anew = false
	return nil
}

// changes are records of all kinds, by their keys in the file.
func (s *Store) changes(all bool) map[string][]byte {
	changes := make(map[string][]byte)
	for _, k := range s.kinds {
		for key, value := range k.Records.Changes(all) {
			changes[recordKey(k.Type, key)] = value
		}
	}
	return changes
}
