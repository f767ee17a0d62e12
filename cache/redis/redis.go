// Package redis keeps a cache's entries in a server that speaks Redis' protocol, such as
// Redis 7 or Valkey, alone or as a cluster: a [store.Store] that a fleet of machines
// shares. What one of them has fetched is there for all.
//
// It needs the server, and a prefix there for itself. An entry is two keys in one slot:
//
//	PREFIX{HASH}       a record: the whole key, the head, where the body's pieces are,
//	                   and the end of the body, which is all of a small one
//	PREFIX{HASH}:GEN   a hash of the body's other pieces, if there are any
//
// GEN is random for each entry that is created. So an entry that another machine replaces
// never mixes its bytes with it, and who reads the old one reads on. Record and pieces
// have checksums; what is damaged, or not ours, is a miss.
//
// All keys expire. The server may have a limit and evict what it likes, which is the
// only limit on size there is.
//
// A server that is down makes misses: requests go on without it, Logger is told, and it
// is asked again after a second. No call takes longer than Timeout. The client library
// has a log of its own besides, of connections that it cannot make, on standard error:
// see its SetLogger.
//
//	s, err := redis.New(redis.Config{URL: "redis://cache.internal:6379"})
package redis

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// Config configures a Store. The machines that share a server should have the same.
type Config struct {
	// URL is the server's address as "redis://user:password@host:port/database", or
	// "rediss://" for TLS. Empty is the port 6379 of this machine.
	URL string

	// Client is asked in place of one for URL: for a cluster, sentinels, or TLS with
	// settings of one's own. It is the caller's to close. Only with its
	// ContextTimeoutEnabled do contexts and Timeout end a call that waits for the
	// network; it has timeouts of its own.
	Client goredis.UniversalClient

	// Prefix begins all keys, without braces; empty is "kaon:".
	Prefix string

	// MaxEntrySize is the largest body in bytes; 0 is 32 MiB.
	MaxEntrySize int64

	// TTL is how long after its last use an entry goes; 0 is a week.
	TTL time.Duration

	// Timeout is how long one call to the server may take; 0 is a second.
	Timeout time.Duration

	// Logger is told when the server fails, once until it answers again, and of
	// damaged entries; nil is silent.
	Logger *slog.Logger
}

// A Store keeps entries in a server.
type Store struct {
	client  goredis.UniversalClient
	owned   bool // by the store, which closes it
	prefix  string
	maxSize int64
	ttl     time.Duration
	timeout time.Duration
	log     *slog.Logger

	epoch    atomic.Pointer[string] // the server's when it was last asked; nil before
	down     atomic.Pointer[outage] // nil while the server answers
	failures atomic.Int64
	closed   atomic.Bool
}

var _ store.Store = (*Store)(nil)

// New returns a store. It does not wait for the server. An error is
// neterr.InvalidArgument: of a URL or a prefix that cannot be.
func New(cfg Config) (*Store, error) {
	s := &Store{
		client: cfg.Client, prefix: cfg.Prefix, maxSize: cfg.MaxEntrySize,
		ttl: cfg.TTL, timeout: cfg.Timeout, log: cfg.Logger,
	}
	if s.prefix == "" {
		s.prefix = "kaon:"
	}
	if strings.ContainsAny(s.prefix, "{}") {
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "use a key prefix with braces"}
	}
	if s.maxSize == 0 {
		s.maxSize = 32 << 20
	}
	if s.ttl == 0 {
		s.ttl = 7 * 24 * time.Hour
	}
	if s.timeout == 0 {
		s.timeout = time.Second
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.client == nil {
		client, err := dial(cfg.URL, s.timeout)
		if err != nil {
			return nil, err
		}
		s.client, s.owned = client, true
	}
	return s, nil
}

// Open asks the server for the entry under key.
func (s *Store) Open(ctx context.Context, key *store.Key) (store.Entry, error) {
	b, err := store.AppendKey(nil, key)
	if err != nil {
		return nil, store.ErrMiss // for none such is ever stored
	}
	name := s.name(b)
	e, err := s.open(ctx, name, b)
	switch {
	case err == nil:
		return e, nil
	case errors.Is(err, goredis.Nil):
		return nil, store.ErrMiss
	case s.closed.Load():
		return nil, errClosed
	case ctx.Err() != nil:
		return nil, neterr.FromContext(ctx)
	}
	return nil, store.ErrMiss // call has told why
}

func (s *Store) open(ctx context.Context, name string, key []byte) (*entry, error) {
	var text []byte
	err := s.call(ctx, "open a cache entry", func(ctx context.Context) (err error) {
		text, err = s.client.GetEx(ctx, name, s.ttl).Bytes()
		return err
	})
	if err != nil {
		return nil, err
	}
	r, err := parseRecord(text)
	if err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "a cache entry is damaged", slog.String("key", name), slog.Any("error", err))
		return nil, goredis.Nil
	}
	if string(r.key) != string(key) {
		return nil, goredis.Nil // two keys with one hash
	}
	e := &entry{store: s, name: name, record: *r}
	if len(r.pieces) == 0 {
		return e, nil
	}
	var there bool
	err = s.call(ctx, "open a cache entry's body", func(ctx context.Context) (err error) {
		there, err = s.client.PExpire(ctx, e.bodyName(), s.ttl).Result()
		return err
	})
	if err == nil && !there {
		err = goredis.Nil // evicted, or replaced this moment
	}
	return e, err
}

// Create begins an entry. It asks the server only the first time.
func (s *Store) Create(ctx context.Context, key *store.Key) (store.Entry, error) {
	b, err := store.AppendKey(nil, key)
	if err != nil {
		return nil, err
	}
	epoch, err := s.epoch.Load(), s.available()
	if epoch == nil && err == nil {
		epoch, err = s.readEpoch(ctx)
	}
	if err != nil {
		return nil, failure(ctx, neterr.CacheCreateFailure, "create a cache entry", err)
	}
	e := &entry{store: s, name: s.name(b), epoch: *epoch, fresh: true}
	e.key = b
	rand.Read(e.gen[:])
	return e, nil
}

// Delete takes the entry under key away.
func (s *Store) Delete(ctx context.Context, key *store.Key) error {
	if s.closed.Load() {
		return errClosed
	}
	b, err := store.AppendKey(nil, key)
	if err != nil {
		return nil // for none such is ever stored
	}
	return s.delete(ctx, s.name(b), "")
}

// delete takes the record away that begins with ident, or any if that is empty. The body
// is left to those who read it.
func (s *Store) delete(ctx context.Context, name, ident string) error {
	const op = "delete a cache entry"
	var old string
	err := s.call(ctx, op, func(ctx context.Context) (err error) {
		old, err = takeAway.Run(ctx, s.client, []string{name}, ident, identSize).Text()
		return err
	})
	if errors.Is(err, goredis.Nil) {
		return nil
	}
	if err == nil {
		err = s.leave(ctx, name, old)
	}
	return failure(ctx, neterr.CacheDoomFailure, op, err)
}

// leave lets the body of what was a record expire.
func (s *Store) leave(ctx context.Context, name, ident string) error {
	gen, ok := generationOf(ident)
	if !ok {
		return nil
	}
	return s.call(ctx, "leave a cache entry's body", func(ctx context.Context) error {
		return s.client.PExpire(ctx, bodyName(name, gen), min(linger, s.ttl)).Err()
	})
}

// linger is how long the body of an entry that is gone is there for its readers, after
// the last time that one of them read.
const linger = 5 * time.Minute

// MaxEntrySize is what the Config says.
func (s *Store) MaxEntrySize() int64 { return s.maxSize }

// Flush does nothing: how durable its memory is, is for the server's settings to say.
func (s *Store) Flush(context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	return nil
}

// Close frees what the store has here. The entries stay where they are.
func (s *Store) Close() error {
	if s.closed.Swap(true) || !s.owned {
		return nil
	}
	return s.client.Close()
}

// Failures is how many calls to the server have failed.
func (s *Store) Failures() int64 { return s.failures.Load() }

// name is the name of a record. In a cluster the braces say what decides on the slot.
func (s *Store) name(key []byte) string {
	sum := sha256.Sum256(key)
	return s.prefix + "{" + hex.EncodeToString(sum[:hashSize]) + "}"
}

const hashSize = 16

func bodyName(name string, gen generation) string { return name + ":" + hex.EncodeToString(gen[:]) }

// epochName is the key of the epoch, which is random. What was created in an older one does
// not come to be, on whichever machine.
func (s *Store) epochName() string { return s.prefix + "epoch" }

func (s *Store) readEpoch(ctx context.Context) (*string, error) {
	var epoch string
	err := s.call(ctx, "read the cache's epoch", func(ctx context.Context) (err error) {
		epoch, err = s.client.Get(ctx, s.epochName()).Result()
		return err
	})
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, err
	}
	s.epoch.Store(&epoch)
	return &epoch, nil
}

func (s *Store) newEpoch(ctx context.Context) error {
	epoch := rand.Text()
	err := s.call(ctx, "begin a new epoch of the cache", func(ctx context.Context) error {
		return s.client.Set(ctx, s.epochName(), epoch, s.ttl).Err()
	})
	if err == nil {
		s.epoch.Store(&epoch)
	}
	return err
}
