package netlog

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Misuse of [Log.Start] and [Log.Stop]; the texts are Electron's.
var (
	//lint:ignore ST1005 the text is Electron's
	ErrRunning = errors.New("There is already a net log running")
	//lint:ignore ST1005 the text is Electron's
	ErrNotRunning = errors.New("No net log in progress")
)

// defaultQueue is how many bytes wait for a slow writer when there is no MaxSize. As
// many again may be in its hands.
const defaultQueue = 32 << 20

// A Log collects the events of one session. The zero Log is ready and does not
// record. Its methods may be called at any time from any goroutine.
//
// What is written is one JSON object, as Chromium writes it: a line of constants,
// then one event a line, then the end with the polled data. Lines go out as events
// happen. The separator of two events, a comma and a line feed, comes with the second
// of them, because a plain writer cannot take back the last one. So a file that was
// ended by [Log.Stop] is valid JSON, and one that was cut off anywhere opens in a
// viewer, which cuts it at the last separator and appends "]}". That costs the newest
// event, and takes two of them.
type Log struct {
	rec  atomic.Pointer[recorder] // set while events are wanted
	poll func() map[string]any    // what recordings end with, if Options do not say

	mu  sync.Mutex // guards what follows; not held during I/O
	cur *recorder  // of the recording that Stop will end; may have failed already
	use state
}

// New returns a log whose recordings end with what polledData returns, where
// [Options] do not say otherwise.
func New(polledData func() map[string]any) *Log { return &Log{poll: polledData} }

type state uint8

const (
	stopped state = iota
	starting
	running
	stopping
)

// Options say what a recording holds. The zero Options are good for most.
type Options struct {
	Mode Mode // default [Default]

	// MaxSize is about how many bytes of events are kept, the newest ones; zero or
	// negative keeps all. Events are then collected in ten parts, in memory for
	// [Log.Start] and in a directory for [Log.StartFile], and joined by [Log.Stop]:
	// the size may be exceeded by one event a part.
	MaxSize int64

	Client ClientInfo

	// PolledData returns a snapshot of the stack's state, which [Log.Stop] puts at
	// the end: "socketPoolInfo", "hostResolverInfo" and so on, as values that
	// encoding/json can write. Nothing in it is redacted. Nil is the log's own
	// ([New]); a session's log has one.
	PolledData func() map[string]any
}

// On reports whether events are being recorded. A nil Log never is.
func (l *Log) On() bool { return l != nil && l.rec.Load() != nil }

// Running reports whether a recording was started and not stopped: Electron's
// currentlyLogging. It stays true if the recording ended early because the writer
// failed; [Log.On] does not.
func (l *Log) Running() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.use == starting || l.use == running
}

// Start begins a recording that w receives. It writes the constants, then returns;
// from then on a goroutine writes events as they happen. It ends with [Log.Stop], which
// whoever starts a recording owes.
//
// Nobody who logs waits for w. If it is slower than the events come, the oldest that
// wait are dropped once there are 32 MiB of them, or twice MaxSize but at least 64 KiB;
// the memory held is at most about twice that. If w fails, the recording ends,
// and Stop returns the error. With a MaxSize w receives nothing before Stop.
//
// Errors are [ErrRunning], [ErrMode], and what w says.
func (l *Log) Start(w io.Writer, o Options) error {
	return l.start(o, func() (sink, error) {
		if o.MaxSize > 0 {
			return newRing(memStore{w}, o.MaxSize), nil
		}
		return &stream{w: w}, nil
	})
}

// StartFile begins a recording in the file called path, as [Log.Start] does. The
// directory must exist; a file that does is emptied, a new one is for its owner's eyes
// only. With a MaxSize the events are
// collected in the directory path + ".inprogress", which [Log.Stop] removes, or leaves
// there if it fails.
func (l *Log) StartFile(path string, o Options) error {
	return l.start(o, func() (sink, error) {
		f, err := createFile(path)
		if err != nil {
			return nil, err
		}
		if o.MaxSize > 0 {
			return newRing(&dirStore{f: f, dir: path + ".inprogress"}, o.MaxSize), nil
		}
		return &stream{w: f, c: f}, nil
	})
}

func (l *Log) start(o Options, open func() (sink, error)) error {
	if o.PolledData == nil {
		o.PolledData = l.poll
	}
	if o.Mode > Everything {
		return ErrMode
	}
	l.mu.Lock()
	if l.use != stopped {
		l.mu.Unlock()
		return ErrRunning
	}
	l.use = starting
	l.mu.Unlock()

	r, err := l.open(o, open)

	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.use = stopped
		return err
	}
	l.use, l.cur = running, r
	l.rec.Store(r)
	go r.run(func() { l.rec.CompareAndSwap(r, nil) }) // Stop waits for it
	return nil
}

func (l *Log) open(o Options, open func() (sink, error)) (*recorder, error) {
	s, err := open()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := s.begin(appendHead(nil, o, now.UnixMilli()-now.Sub(epoch).Milliseconds())); err != nil {
		s.abort()
		return nil, err
	}
	limit := int64(defaultQueue)
	if o.MaxSize > 0 {
		limit = max(2*min(o.MaxSize, 1<<29), 64<<10) // what is dropped is too old for the file, too
	}
	return &recorder{
		mode: o.Mode, sink: s, poll: o.PolledData,
		wake:  make(chan struct{}, 1),
		done:  make(chan struct{}),
		queue: queue{limit: int(limit)},
	}, nil
}

// Stop ends the recording, waits until everything is written, and returns the first
// error there was. The file is whole if there was none. Without a recording it returns
// [ErrNotRunning]; a recording can only be started again when Stop has returned.
func (l *Log) Stop() error {
	l.mu.Lock()
	if l.use != running {
		l.mu.Unlock()
		return ErrNotRunning
	}
	r := l.cur
	l.use = stopping
	l.mu.Unlock()

	l.rec.Store(nil)
	err := r.finish()

	l.mu.Lock()
	l.use = stopped
	l.mu.Unlock()
	return err
}

// Dropped returns how many events of the recording, or of the last one, were lost
// because the writer was too slow.
func (l *Log) Dropped() int {
	l.mu.Lock()
	r := l.cur
	l.mu.Unlock()
	if r == nil {
		return 0
	}
	return r.droppedEvents()
}

type phase uint8

const (
	phaseNone phase = iota
	phaseBegin
	phaseEnd
)

// record is the slow path of a Source's events. The parameters are made without any
// lock, as making them calls out; attrs are not kept.
func (l *Log) record(id *identity, t EventType, p phase, attrs []Attr) {
	r := l.rec.Load()
	if r == nil {
		return
	}
	scratch := getScratch()
	*scratch = appendParams((*scratch)[:0], r.mode, attrs)
	r.add(id, t, p, *scratch)
	putScratch(scratch)
}

var scratchPool = sync.Pool{New: func() any { return new([]byte) }}

func getScratch() *[]byte { return scratchPool.Get().(*[]byte) }

func putScratch(b *[]byte) {
	if cap(*b) <= 64<<10 {
		scratchPool.Put(b)
	}
}
