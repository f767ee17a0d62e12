// Package netlog records what the network stack does, in Chromium's NetLog format.
//
// A [Log] belongs to a session. Everything that has a life of its own (a request, a
// connect job, a socket) is a [Source] and writes events under its own id:
//
//	src := log.Source(netlog.SourceURLRequest)
//	src.Begin(netlog.RequestAlive, netlog.URL("url", u.String()))
//	defer src.End(netlog.RequestAlive)
//
// While nobody records, a Source is two words, an event is one comparison, and
// nothing is allocated. Attributes that cost something to make belong behind
// Source.On:
//
//	if src.On() {
//		src.Event(netlog.HTTPTransactionReadResponseHeaders, netlog.Headers(status, "", fields))
//	}
//
// A recording is started and stopped by its owner, and the file opens in Chromium's
// NetLog viewer, also after the process was killed in the middle:
//
//	err := log.StartFile("net.json", netlog.Options{})
//	defer log.Stop()
//
// The package needs nothing but the error codes of net/neterr. Its event and source
// types are Chromium's by name; the numbers are this version's own, which is what a
// file's constants are for.
package netlog

import (
	"sync/atomic"
	"time"
)

//go:generate go run gen.go

// An EventType says what happened; its String is Chromium's name.
type EventType uint16

// String returns Chromium's name, as "URL_REQUEST_START_JOB".
func (t EventType) String() string {
	if int(t) < len(eventNames) {
		return eventNames[t]
	}
	return "UNKNOWN"
}

// A SourceType says what kind of thing an event belongs to.
type SourceType uint8

// String returns Chromium's name, as "URL_REQUEST".
func (t SourceType) String() string {
	if int(t) < len(sourceNames) {
		return sourceNames[t]
	}
	return "UNKNOWN"
}

// A Source is something that events are about. It is passed by value; the zero
// Source is silent.
type Source struct {
	log *Log
	id  *identity
}

// An identity is what a file says of a source. It is made only while a log is
// recording, or for sources that outlive a recording.
type identity struct {
	id    uint64
	typ   SourceType
	start int64 // tick
}

// lastID is one counter for the process, as in Chromium: files of several logs can
// be laid side by side.
var lastID atomic.Uint64

// epoch is where the process's tick clock begins: before every source, so that no tick
// is negative. (In a bubble of testing/synctest, which lives in the year 2000, all are.)
var epoch = time.Now()

// tick returns the milliseconds of the monotonic clock that all times in a file are in.
func tick() int64 { return time.Since(epoch).Milliseconds() }

// Source returns a new source of the given type. While the log is not recording it
// is silent, and stays so: requests that were under way when recording began are
// not in the file. See [Log.Lasting]. Events about nothing in particular belong to a
// new source of type [SourceNone] each.
func (l *Log) Source(t SourceType) Source {
	if !l.On() {
		return Source{log: l}
	}
	return l.Lasting(t)
}

// Lasting returns a new source that takes part in recordings begun later: for
// sockets and sessions, which live long. It allocates.
func (l *Log) Lasting(t SourceType) Source {
	return Source{log: l, id: &identity{lastID.Add(1), t, tick()}}
}

// New returns a source of type t in the same log as s.
func (s Source) New(t SourceType) Source { return s.log.Source(t) }

// ID returns the number that s has in the file, or 0 if s is silent: for snapshots
// that name sources, see [Options.PolledData].
func (s Source) ID() uint64 {
	if s.id == nil {
		return 0
	}
	return s.id.id
}

// Lasting is [Log.Lasting] in the same log as s.
func (s Source) Lasting(t SourceType) Source { return s.log.Lasting(t) }

// On reports whether events of s are being recorded.
func (s Source) On() bool { return s.id != nil && s.log.On() }

// Event records a moment.
func (s Source) Event(t EventType, attrs ...Attr) {
	if s.On() {
		s.log.record(s.id, t, phaseNone, attrs)
	}
}

// Begin records the beginning of a span. Every Begin has its End: spans of one
// source nest like brackets.
func (s Source) Begin(t EventType, attrs ...Attr) {
	if s.On() {
		s.log.record(s.id, t, phaseBegin, attrs)
	}
}

// End records the end of a span.
func (s Source) End(t EventType, attrs ...Attr) {
	if s.On() {
		s.log.record(s.id, t, phaseEnd, attrs)
	}
}

// EndErr records the end of a span that may have failed: err's code becomes
// net_error, and nil adds nothing.
func (s Source) EndErr(t EventType, err error, attrs ...Attr) {
	if s.On() {
		if err != nil {
			attrs = append(attrs[:len(attrs):len(attrs)], Err(err))
		}
		s.log.record(s.id, t, phaseEnd, attrs)
	}
}
