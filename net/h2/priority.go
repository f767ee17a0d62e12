package h2

import "github.com/kaon-net/kaon/net/internal/message"

// Priorities are the open streams by urgency, each list in the order in which they
// were opened. Streams depend on each other in one chain that follows it (Chromium:
// Http2PriorityDependencies).
type priorities [message.Urgencies]struct{ last *stream }

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
