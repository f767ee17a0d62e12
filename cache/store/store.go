// Package store is the seam between the HTTP cache and what it keeps entries in:
// memory (cache/mem), a directory (cache/disk), a server that a fleet shares
// (cache/redis).
//
// A store knows names, heads and bytes. What may be stored, for how long and for whom
// is the cache's to say.
package store

import (
	"context"
	"iter"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// ErrMiss is what Open says of an entry that is not there, that is damaged, or that a
// newer format wrote.
const ErrMiss = neterr.CacheMiss

// A Key names one entry. Keys are compared as values; none is a prefix of another.
type Key struct {
	URL       string     // as requested, without user information and fragment
	Partition origin.Key // on whose behalf; never one with a nonce: those do not get here
	Upload    int64      // identifies the body of a POST; 0 for any other request
	Variant   uint64     // which of several responses of this URL; 0 is the first to ask for
	Anonymous bool       // stored for requests without credentials, where the cache tells them apart
}

// A Store keeps entries. Any number of goroutines may use one. Its methods take no
// longer than their I/O: there is no waiting for other users of an entry.
//
// A store is a cache's: it may lose an entry at any time, and must never give out
// something else than was put in. Errors carry a neterr.Code; damage to one entry is no
// error of another.
type Store interface {
	// Open returns the committed entry under key, or ErrMiss, and counts as use.
	Open(ctx context.Context, key *Key) (Entry, error)

	// Create begins an entry that will take key's place when it is first committed.
	// Whoever has the old one open reads it to its end. Of several that are begun for a
	// key, the one committed last stays.
	Create(ctx context.Context, key *Key) (Entry, error)

	// Delete takes the entry under key away, if there is one; it is gone for Open when
	// Delete returns.
	Delete(ctx context.Context, key *Key) error

	// Clear deletes the entries for which match is true, all of them if it is nil.
	// Entries created before and not committed yet never come to be, in the latter case.
	Clear(ctx context.Context, match func(*Info) bool) error

	// All yields what is stored, in no order. Entries that come and go meanwhile may be
	// among it. Info is the receiver's until the next one.
	All(ctx context.Context) iter.Seq2[*Info, error]

	// Size is how many bytes the entries take, heads and keys and all.
	Size(ctx context.Context) (int64, error)

	// MaxEntrySize is the largest body in bytes that an entry can have.
	MaxEntrySize() int64

	// Flush makes durable what was committed.
	Flush(ctx context.Context) error

	// Close flushes and frees the store. Entries that are open then fail.
	Close() error
}

// An Entry is one stored response, open. Reading may go on from any number of
// goroutines while one writes; the methods that write have one caller at a time.
// Until its first Commit nobody else finds a created entry.
type Entry interface {
	// Head is the last one set; nil for a new entry. Nobody changes a Head that an
	// entry has.
	Head() *Head

	// Extents appends which parts of the body are there, in order, never touching each
	// other: a whole or a truncated body is one that begins at 0.
	Extents(to []Extent) []Extent

	// ReadAt reads as io.ReaderAt does. Where nothing was written it ends with
	// neterr.CacheReadFailure, or io.EOF behind the last extent. Bytes that are not what
	// was written are neterr.CacheChecksumMismatch, and are not given out.
	ReadAt(p []byte, off int64) (int, error)

	// WriteAt adds to the body, where nothing is yet. What is written can be read at
	// once, and is kept if a Commit follows. Beyond the MaxEntrySize it is
	// neterr.FileTooBig. After an error the entry is of no more use than to be closed.
	WriteAt(p []byte, off int64) (int, error)

	// SetHead gives the entry another head, which becomes the stored one with Commit.
	SetHead(h *Head)

	// Commit stores the head and what was written, so that Open finds it: all of it or,
	// if the process dies or the disk is full, what was committed before.
	Commit(ctx context.Context) error

	// Delete takes this entry away, if it is still the one under its key. It can be
	// read on.
	Delete(ctx context.Context) error

	// Close ends the use of the entry. What was not committed is gone. Closing twice is
	// fine.
	Close() error
}

// A Lender is an Entry that keeps its body in memory, and spares who reads it the copy. An
// Entry may be one.
type Lender interface {
	Entry

	// Lend returns the stored bytes from off on, as many as lie together and at least one,
	// or the error of ReadAt. Nobody changes them, even after Close.
	Lend(off int64) ([]byte, error)
}

// An Extent is a part of a body.
type Extent struct {
	Off, Len int64
}

// End is where the extent ends.
func (e Extent) End() int64 { return e.Off + e.Len }

// Info is what a store tells of an entry without opening it.
type Info struct {
	Key      Key
	Size     int64 // in bytes, as Store.Size counts
	LastUsed time.Time
}
