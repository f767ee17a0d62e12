package redis

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

// Servers are asked for batch keys at a time.
const batch = 500

// All asks the server for all its keys, a few at a time. When an entry was last used
// follows from when it will expire.
func (s *Store) All(ctx context.Context) iter.Seq2[*store.Info, error] {
	return func(yield func(*store.Info, error) bool) {
		for l, err := range s.listed(ctx) {
			if err != nil {
				yield(nil, failure(ctx, neterr.CacheReadFailure, "list a cache", err))
				return
			}
			if !yield(&l.info, nil) {
				return
			}
		}
	}
}

// Size is the sum of what all entries take; the server needs some more for each.
func (s *Store) Size(ctx context.Context) (int64, error) {
	var n int64
	for info, err := range s.All(ctx) {
		if err != nil {
			return 0, err
		}
		n += info.Size
	}
	return n, nil
}

// Clear deletes the entries that match. Without a condition that is all that there is
// under the prefix, but bodies stay for as long as somebody reads them; other machines
// may lose the first entry that they commit afterwards.
func (s *Store) Clear(ctx context.Context, match func(*store.Info) bool) error {
	if match == nil {
		return failure(ctx, neterr.CacheDoomFailure, "clear a cache", s.clear(ctx))
	}
	for l, err := range s.listed(ctx) {
		if err != nil {
			return failure(ctx, neterr.CacheDoomFailure, "clear a cache", err)
		}
		if !match(&l.info) {
			continue
		}
		if err := s.delete(ctx, l.name, l.ident); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) clear(ctx context.Context) error {
	if err := s.newEpoch(ctx); err != nil {
		return err
	}
	for names, err := range s.names(ctx) {
		if err != nil {
			return err
		}
		err := s.call(ctx, "clear a cache", func(ctx context.Context) error {
			_, err := s.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
				for _, name := range names {
					switch len(name) - len(s.prefix) {
					case recordNameSize:
						pipe.Unlink(ctx, name)
					case bodyNameSize:
						pipe.Do(ctx, "PEXPIRE", name, min(linger, s.ttl).Milliseconds(), "LT")
					}
				}
				return nil
			})
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// How long names are behind the prefix. Others are not ours.
const (
	recordNameSize = 2*hashSize + len("{}")
	bodyNameSize   = recordNameSize + len(":") + 2*len(generation{})
)

// A listed is an entry as it was found among the keys.
type listed struct {
	info        store.Info
	name, ident string
}

// listed yields every record whose front is sound. What is damaged is not told of.
func (s *Store) listed(ctx context.Context) iter.Seq2[*listed, error] {
	return func(yield func(*listed, error) bool) {
		seen := make(map[string]bool) // a server may name a key twice
		for names, err := range s.names(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			records := names[:0]
			for _, name := range names {
				if len(name)-len(s.prefix) == recordNameSize && !seen[name] {
					seen[name] = true
					records = append(records, name)
				}
			}
			entries, err := s.fronts(ctx, records)
			if err != nil {
				yield(nil, err)
				return
			}
			for i := range entries {
				if !yield(&entries[i], nil) {
					return
				}
			}
		}
	}
}

// fronts reads the beginnings of records.
func (s *Store) fronts(ctx context.Context, names []string) ([]listed, error) {
	if len(names) == 0 {
		return nil, nil
	}
	const most = 1 << 10 // bytes, enough for nearly all keys
	front := make([]*goredis.StringCmd, len(names))
	ttl := make([]*goredis.DurationCmd, len(names))
	err := s.call(ctx, "list a cache", func(ctx context.Context) error {
		cmds, err := s.client.Pipelined(ctx, func(pipe goredis.Pipeliner) error {
			for i, name := range names {
				front[i] = pipe.GetRange(ctx, name, 0, most-1)
				ttl[i] = pipe.PTTL(ctx, name)
			}
			return nil
		})
		return notAnswered(cmds, err)
	})
	if err != nil {
		return nil, err
	}
	entries := make([]listed, 0, len(names))
	now := time.Now()
	for i, name := range names {
		b, err := front[i].Bytes()
		if err != nil {
			continue // another type: not ours
		}
		f, err := parseFront(b)
		if errors.Is(err, errShort) && f.need > len(b) && len(b) == most {
			if b, err = s.beginning(ctx, name, f.need); err != nil {
				return nil, err
			}
			f, err = parseFront(b)
		}
		if err != nil {
			continue
		}
		key, err := store.ParseKey(f.key)
		if err != nil {
			continue
		}
		entries = append(entries, listed{
			info:  store.Info{Key: key, Size: f.size, LastUsed: now.Add(min(ttl[i].Val()-s.ttl, 0))},
			name:  name,
			ident: string(b[:identSize]),
		})
	}
	return entries, nil
}

func (s *Store) beginning(ctx context.Context, name string, n int) (b []byte, err error) {
	err = s.call(ctx, "list a cache", func(ctx context.Context) (err error) {
		b, err = s.client.GetRange(ctx, name, 0, int64(n-1)).Bytes()
		return err
	})
	if errors.Is(err, goredis.Nil) {
		err = nil
	}
	return b, err
}

// notAnswered is the first error of a pipeline that is no server's answer.
func notAnswered(cmds []goredis.Cmder, err error) error {
	if err == nil || len(cmds) == 0 {
		return err
	}
	for _, cmd := range cmds {
		var answer goredis.Error
		if err := cmd.Err(); err != nil && !errors.As(err, &answer) {
			return err
		}
	}
	return nil
}

// names yields the keys under the prefix, some at a time, of all servers.
func (s *Store) names(ctx context.Context) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		servers, err := s.servers(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		pattern := escape.Replace(s.prefix) + "{*"
		for _, server := range servers {
			for cursor := uint64(0); ; {
				var names []string
				err := s.call(ctx, "list a cache", func(ctx context.Context) (err error) {
					names, cursor, err = server.Scan(ctx, cursor, pattern, batch).Result()
					return err
				})
				if err != nil {
					yield(nil, err)
					return
				}
				if len(names) > 0 && !yield(names, nil) {
					return
				}
				if cursor == 0 {
					break
				}
			}
		}
	}
}

// escape makes a prefix a pattern of itself.
var escape = strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `\`, `\\`)

// servers are those that keys are spread over.
func (s *Store) servers(ctx context.Context) ([]goredis.Cmdable, error) {
	var mu sync.Mutex
	var servers []goredis.Cmdable
	add := func(_ context.Context, c *goredis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		servers = append(servers, c)
		return nil
	}
	switch c := s.client.(type) {
	case *goredis.ClusterClient:
		err := s.call(ctx, "list the servers of a cache", func(ctx context.Context) error { return c.ForEachMaster(ctx, add) })
		return servers, err
	case *goredis.Ring:
		err := s.call(ctx, "list the servers of a cache", func(ctx context.Context) error { return c.ForEachShard(ctx, add) })
		return servers, err
	}
	return []goredis.Cmdable{s.client}, nil
}
