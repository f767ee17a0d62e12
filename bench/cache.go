package main

import (
	"crypto/md5"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/gregjones/httpcache"

	"github.com/kaon-net/kaon/cache"
	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/mem"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/session"
)

const (
	peerCache = "httpcache"
	kaonCache = "kaon/cache"
	without   = "no cache"
	with      = "cache"
)

// Where a cache keeps its entries.
const (
	inMemory = "memory"
	onDisk   = "disk"
)

// The sizes of stores are what sessions have by default, or near that. They are less than
// what is stored, so that most of the time something is evicted for it.
const (
	memorySize = 50 << 20
	diskSize   = 512 << 20
)

// cacheWorkloads are hits, on a URL for each request at a time, and misses that are
// stored, each of a URL of its own.
func cacheWorkloads(s sizes) []workload {
	const big = 1 << 20
	var hits, misses []workload
	for _, where := range []string{inMemory, onDisk} {
		small := workload{proto: h1, cache: where, path: keptPath(smallSize), download: smallSize}
		large := workload{proto: h1, cache: where, path: keptPath(big), download: big, conns: 1, requests: s.requests / 200}

		small.name, small.urls, small.requests = "hit of 1 KB, "+where, eachWorker, 2*s.requests
		for _, small.conns = range []int{1, 64} {
			hits = append(hits, small)
		}
		large.name, large.urls = "hit of 1 MB, "+where, eachWorker
		hits = append(hits, large)

		small.name, small.urls, small.requests, small.conns = "storing 1 KB, "+where, eachRequest, s.requests/2, 16
		large.name, large.urls = "storing 1 MB, "+where, eachRequest
		misses = append(misses, small, large)
	}
	return append(hits, misses...)
}

// cacheContenders are two caches around net/http for hits, and two sessions, the first
// without a cache, for what is stored.
func cacheContenders(w workload, o *origin) ([]contender, error) {
	makers := []func(workload, *origin) (contender, error){newPeerCache, newKaonCache}
	if w.urls == eachRequest {
		makers = []func(workload, *origin) (contender, error){newSessionWithout, newSessionWith}
	}
	var clients []contender
	for _, newClient := range makers {
		c, err := newClient(w, o)
		if err != nil {
			for _, c := range clients {
				c.close()
			}
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// newPeerCache is httpcache around net/http.
func newPeerCache(w workload, o *origin) (contender, error) {
	c := newNetHTTP(w, o)
	c.name = peerCache
	if w.cache == inMemory {
		c.rt = &httpcache.Transport{Transport: c.rt, Cache: httpcache.NewMemoryCache()}
		return c, nil
	}
	dir, err := os.MkdirTemp("", "kaon-bench")
	if err != nil {
		return contender{}, err
	}
	c.rt = &httpcache.Transport{Transport: c.rt, Cache: files(dir)}
	closeNext := c.close
	c.close = func() {
		closeNext()
		os.RemoveAll(dir)
	}
	return c, nil
}

// newKaonCache is package cache around the same.
func newKaonCache(w workload, o *origin) (contender, error) {
	s, remove, err := newStore(w.cache)
	if err != nil {
		return contender{}, err
	}
	next := newNetHTTP(w, o)
	t := cache.New(cache.Config{Store: s, Next: exchange.From(next.rt)})
	return contender{name: kaonCache, rt: exchange.HTTP(t), close: func() {
		t.Close()
		next.close()
		remove()
	}}, nil
}

func newSessionWithout(w workload, o *origin) (contender, error) {
	return newSession(without, w, o, session.Config{DisableCache: true})
}

func newSessionWith(w workload, o *origin) (contender, error) {
	s, remove, err := newStore(w.cache)
	if err != nil {
		return contender{}, err
	}
	c, err := newSession(with, w, o, session.Config{CacheStore: s})
	if err != nil {
		remove()
		return contender{}, err
	}
	c.stores = true
	closeSession := c.close
	c.close = func() {
		closeSession()
		remove()
	}
	return c, nil
}

// newStore returns a store of Kaon's, and what closes and removes it.
func newStore(where string) (store.Store, func(), error) {
	if where == inMemory {
		s := mem.New(mem.Config{Size: memorySize})
		return s, func() { s.Close() }, nil
	}
	dir, err := os.MkdirTemp("", "kaon-bench")
	if err != nil {
		return nil, nil, err
	}
	s, err := disk.Open(disk.Config{Dir: dir, Size: diskSize})
	if err != nil {
		os.RemoveAll(dir)
		return nil, nil, err
	}
	return s, func() {
		s.Close()
		os.RemoveAll(dir)
	}, nil
}

// files is httpcache's Cache with a file for each response in a directory. So is its
// diskcache, which besides remembers 100 MB of them: what is read again soon it does not
// read from disk.
type files string

var _ httpcache.Cache = files("")

func (f files) Get(key string) ([]byte, bool) {
	b, err := os.ReadFile(f.path(key))
	return b, err == nil
}

func (f files) Set(key string, response []byte) { os.WriteFile(f.path(key), response, 0o600) }
func (f files) Delete(key string)               { os.Remove(f.path(key)) }

func (f files) path(key string) string {
	sum := md5.Sum([]byte(key))
	return filepath.Join(string(f), hex.EncodeToString(sum[:]))
}
