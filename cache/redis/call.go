package redis

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/kaon-net/kaon/net/neterr"
)

// dial makes a client that does not try for longer than a call may take.
func dial(url string, timeout time.Duration) (*goredis.Client, error) {
	if url == "" {
		url = "redis://localhost:6379"
	}
	opts, err := goredis.ParseURL(url)
	if err != nil { // which may have the password in it
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: "read the URL of a cache server"}
	}
	opts.ContextTimeoutEnabled = true
	opts.DialTimeout, opts.ReadTimeout, opts.WriteTimeout, opts.PoolTimeout = timeout, timeout, timeout, timeout
	opts.MaxRetries = 1 // a connection may have died in the pool
	opts.DialerRetries = 1
	opts.DisableIdentity = true
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return goredis.NewClient(opts), nil
}

// pause is how long a server that did not answer is left alone.
const pause = time.Second

// An outage is why the last call failed.
type outage struct {
	err   error
	until time.Time // nobody asks again; zero if it has answered
}

var errClosed = &neterr.Error{Code: neterr.ContextShutDown, Op: "use a closed cache store"}

// available says what is wrong before the server is asked.
func (s *Store) available() error {
	if s.closed.Load() {
		return errClosed
	}
	if o := s.down.Load(); o != nil && time.Now().Before(o.until) {
		return o.err
	}
	return nil
}

// call has f ask the server, not longer than it may take. goredis.Nil is an answer.
func (s *Store) call(ctx context.Context, op string, f func(context.Context) error) error {
	if err := s.available(); err != nil {
		return err
	}
	asked, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	err := f(asked)
	var answer goredis.Error
	switch {
	case err == nil, errors.Is(err, goredis.Nil):
		s.down.Store(nil)
		return err
	case s.closed.Load():
		return errClosed
	case ctx.Err() != nil:
		return err // the caller has given up
	case errors.As(err, &answer) && strings.HasPrefix(answer.Error(), "WRONGTYPE"):
		return goredis.Nil // somebody else's
	}
	s.failures.Add(1)
	o := &outage{err: err}
	if answer == nil {
		o.until = time.Now().Add(pause)
	}
	if was := s.down.Swap(o); was == nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the cache server fails", slog.String("op", op), slog.Any("error", err))
	}
	return err
}

// failure gives what call returned a code. A context that ended is what ctx says of it.
func failure(ctx context.Context, code neterr.Code, op string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errClosed):
		return errClosed
	case ctx.Err() != nil:
		return neterr.FromContext(ctx)
	}
	return &neterr.Error{Code: code, Op: op, Err: err}
}
