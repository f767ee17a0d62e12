package netlog

import "sync"

// maxSpare is the largest buffer kept for the next events once it was written out.
const maxSpare = 1 << 20

// A recorder is one recording: producers push events, and its goroutine writes them
// to the sink. Producers wait for each other only as long as it takes to copy one
// event, and never for the sink.
type recorder struct {
	mode Mode
	sink sink
	poll func() map[string]any
	wake chan struct{} // has room for one
	done chan struct{} // closed when run has returned

	mu     sync.Mutex // guards what follows
	queue  queue
	closed bool // no more events
	err    error
}

// add puts an event in line. Its time is taken here, so that times never run backwards
// in a file.
func (r *recorder) add(id *identity, t EventType, p phase, params []byte) {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return
	}
	idle := r.queue.empty()
	r.queue.push(id, t, p, tick(), params)
	r.mu.Unlock()
	if idle {
		r.signal()
	}
}

func (r *recorder) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run writes events as they come, until the recording is closed and all are written,
// or until the sink fails, which calls failed.
func (r *recorder) run(failed func()) {
	defer close(r.done)
	var batch []byte
	for {
		if cap(batch) > maxSpare {
			batch = nil
		}
		r.mu.Lock()
		spare := batch
		batch = r.queue.take(spare)
		closed := r.closed
		r.mu.Unlock()
		if len(batch) == 0 {
			if closed {
				return
			}
			batch = spare
			<-r.wake
			continue
		}
		if err := r.sink.write(batch); err != nil {
			r.mu.Lock()
			r.closed, r.err = true, err
			r.queue.buf = nil
			r.mu.Unlock()
			failed()
			return
		}
	}
}

// finish takes no more events, waits until all are written, and ends the file.
func (r *recorder) finish() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.signal()
	<-r.done
	s, err := r.sink, r.err // nobody else is left: no lock
	r.sink = nil            // the log remembers r, which need not remember what was written
	if err != nil {
		s.abort()
		return err
	}
	return s.finish(appendTail(nil, r.poll))
}

func (r *recorder) droppedEvents() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue.dropped
}

// appendHead appends what stands before the first event.
func appendHead(b []byte, o Options, offset int64) []byte {
	b = append(b, `{"constants":`...)
	b = appendValue(b, constants(o, offset), 0)
	return append(b, separator+`"events": [`+"\n"...)
}

// appendTail appends what stands behind the last event. Chromium has the comma at the
// end of the line; in front of the next one it cannot be taken for the separator of
// two events when the process is killed right here.
func appendTail(b []byte, poll func() map[string]any) []byte {
	b = append(b, ']')
	if poll != nil {
		b = append(b, "\n"+`,"polledData": `...)
		b = appendValue(b, poll(), 0)
	}
	return append(b, "}\n"...)
}
