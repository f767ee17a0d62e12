package h2

import "github.com/kaon-net/kaon/net/exchange"

// levels are the urgencies of RFC 9218 that Chromium's six priorities use.
const levels = 6

// urgency is 0 for the most urgent.
func urgency(p exchange.Priority) uint8 {
	return uint8(min(max(exchange.Highest-p, 0), levels-1))
}

// priorityField is the value of the "priority" field, incremental as Chromium's
// requests are by default.
func priorityField(urgency uint8) string {
	return [levels]string{"u=0, i", "u=1, i", "u=2, i", "i", "u=4, i", "u=5, i"}[urgency]
}

// Priorities are the open streams by urgency, each list in the order in which they
// were opened. Streams depend on each other in one chain that follows it (Chromium:
// Http2PriorityDependencies).
type priorities [levels]struct{ last *stream }

// parent returns the stream on which a new one of that urgency depends: the newest of
// the same urgency, else of the next one above; 0 is none.
func (p *priorities) parent(urgency uint8) uint32 {
	for u := int(urgency); u >= 0; u-- {
		if st := p[u].last; st != nil {
			return st.id
		}
	}
	return 0
}

func (p *priorities) add(st *stream) {
	l := &p[st.urgency]
	if st.before = l.last; l.last != nil {
		l.last.after = st
	}
	l.last = st
}

func (p *priorities) remove(st *stream) {
	if st.after != nil {
		st.after.before = st.before
	} else {
		p[st.urgency].last = st.before
	}
	if st.before != nil {
		st.before.after = st.after
	}
	st.before, st.after = nil, nil
}
