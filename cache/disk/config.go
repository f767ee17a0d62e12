package disk

import (
	"math"
	"runtime"
)

// Config says where a store is and how large it gets.
type Config struct {
	// Dir is the directory. It is made if it is not there; only its owner may read it.
	Dir string

	// Size is how many bytes the entries may take. 0 chooses as Chromium does, by what is
	// free on the disk; negative is no limit.
	Size int64

	// Existing makes Open fail with neterr.FileNotFound where there is no store, and with
	// neterr.CacheOpenFailure where there is one that it cannot read, rather than make a
	// new one.
	Existing bool
}

const (
	mib = 1 << 20

	// maxBody keeps the checksums of a body within the largest record.
	maxBody = 128 << 30
)

// defaultSize is Chromium's choice of a size where free bytes are there for it, negative
// being unknown (net/disk_cache/cache_util.cc). Its HTTP cache is four times as large as
// its other caches, but on Windows.
func defaultSize(free int64, windows bool) int64 {
	const base = 80 * mib
	scale := int64(4)
	if windows {
		scale = 1
	}
	size := base * scale
	if free >= 0 {
		size = unscaledSize(free, base)
		if size < free/5 {
			size = min(size*scale, free/5)
		}
	}
	return min(size, 4*base*scale)
}

func unscaledSize(free, base int64) int64 {
	switch {
	case free < 100*mib:
		return free / 10 * 8
	case free < 800*mib:
		return base
	case free < 2000*mib:
		return free / 10
	case free < 20000*mib:
		return base / 2 * 5
	}
	return free / 100
}

// limit is the size in force.
func (c *Config) limit(fs fileSystem) int64 {
	switch {
	case c.Size > 0:
		return c.Size
	case c.Size < 0:
		return math.MaxInt64
	}
	free, err := fs.Free(c.Dir)
	if err != nil {
		free = -1
	}
	return defaultSize(free, runtime.GOOS == "windows")
}

// maxEntrySize is the largest body, as in Chromium's simple cache.
func maxEntrySize(limit int64) int64 { return min(max(limit/8, 5*mib), maxBody) }

// segmentSize is how large a segment file gets: small enough that there are some to
// choose from, large enough that there are not many.
func segmentSize(limit int64) int64 { return min(max(limit/64, 256<<10), 1<<30) }
