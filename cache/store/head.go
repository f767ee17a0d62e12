package store

import (
	"net/netip"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
)

// A Head is a stored response without its body.
type Head struct {
	Status     int
	StatusText string
	Proto      string          // as "HTTP/1.1"
	Header     exchange.Fields // those that may be stored, in the order received
	Length     int64           // of the whole body in bytes; -1 is unknown
	State      State

	RequestTime  time.Time // when the request went out that this is the answer to
	ResponseTime time.Time // when it was received, or last found valid

	// Vary has the fields of the request that the response depends on, with the values
	// they had, as the cache compares them.
	Vary exchange.Fields

	// RefreshBy is until when a stale response serves while a refresh is under way
	// (RFC 5861 section 3); zero if there is none.
	RefreshBy time.Time

	Remote netip.AddrPort // who sent it; invalid if unknown

	// Rules is what Header says of reuse. It is the cache's note to itself: a store that
	// makes heads out of bytes leaves it zero, and the cache reads Header again.
	Rules Rules
}

// Rules is what the header of a response says of reuse, read once (RFC 9111 section 4.2).
type Rules struct {
	Known bool // the others are set

	Lifetime             time.Duration // how long it is fresh, counted from when it was made
	Age                  time.Duration // how old it was at ResponseTime
	StaleWhileRevalidate time.Duration // how long beyond Lifetime it serves while it is refreshed
	StaleIfError         time.Duration // and if the origin fails

	NoCache        bool // it serves only when the origin says that it holds
	NoCacheFields  bool // so do some of its fields
	MustRevalidate bool // it never serves stale
	Immutable      bool // it does not change while it is fresh
}

// State says how much of the body an entry is meant to have.
type State uint8

// The states.
const (
	Complete  State = iota // the whole
	Truncated              // a transfer was cut off: the beginning is there
	Sparse                 // ranges were asked for: some parts are there
	Variants               // no response: Vary names what the key's variants depend on
)
