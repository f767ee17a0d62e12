package netlog

import "bytes"

// separator stands between two events. A viewer repairs a file that was cut off by
// looking for the last one.
const separator = ",\n"

// A queue holds the events that the writer has not taken yet, as one text: a
// separator, then each event with a separator behind it. Both a stream, which puts
// separators between events, and parts that will be joined, whose events end with
// one, are a slice of that.
type queue struct {
	buf     []byte
	limit   int // bytes kept; the oldest events give way
	dropped int // events that did
}

func (q *queue) empty() bool { return len(q.buf) <= len(separator) }

// push adds one event.
func (q *queue) push(id *identity, t EventType, p phase, now int64, params []byte) {
	if len(params) > q.limit {
		q.dropped++
		return
	}
	if len(q.buf) == 0 {
		q.buf = append(q.buf, separator...)
	}
	q.buf = append(appendEvent(q.buf, id, t, p, now, params), separator...)
	if len(q.buf) > q.limit {
		q.trim()
	}
}

// trim drops the oldest events. It makes more room than is needed, so that moving
// the rest is seldom.
func (q *queue) trim() {
	events := q.buf[len(separator):]
	from := min(len(q.buf)-q.limit+q.limit/8, len(events)-1)
	cut := from + bytes.IndexByte(events[from:], '\n') + 1
	q.dropped += bytes.Count(events[:cut], []byte{'\n'})
	q.buf = append(q.buf[:len(separator)], events[cut:]...)
}

// take returns what is there, or nothing, and goes on in spare.
func (q *queue) take(spare []byte) []byte {
	if q.empty() {
		return nil
	}
	b := q.buf
	q.buf = spare[:0]
	return b
}
