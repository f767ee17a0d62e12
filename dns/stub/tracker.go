package stub

import "time"

// How much of what is said to be answers to others it takes to distrust UDP: Chromium's
// numbers.
const (
	trackedFor     = 10 * time.Minute
	trackedQueries = 256
	recognisedFor  = 15 * time.Second // an id of ours

	maxPortUses     = 3   // and one more is too much
	maxUnrecognised = 8   // ids that nobody asked with
	maxRecognised   = 128 // ids of other questions
)

// A tracker watches what an attacker would have to guess. What it finds holds for
// trackedFor. (In Chromium it holds until the DNS configuration changes; a program that
// asks much would meet even the least probable repetition of ports some day.)
type tracker struct {
	until time.Time // what makes a question unique is not worth much

	queries []sent // a ring
	oldest  int

	recognised, unrecognised []time.Time
}

type sent struct {
	port, id uint16
	at       time.Time
}

// low reports whether not to ask over UDP.
func (t *tracker) low(now time.Time) bool { return now.Before(t.until) }

// distrust begins anew after a while.
func (t *tracker) distrust(now time.Time) { *t = tracker{until: now.Add(trackedFor)} }

// sent notes a question.
func (t *tracker) sent(port, id uint16, now time.Time) {
	uses := 0
	for i := range t.queries {
		if q := &t.queries[i]; q.port == port && now.Sub(q.at) <= trackedFor {
			uses++
		}
	}
	if uses >= maxPortUses {
		t.distrust(now)
		return
	}
	q := sent{port, id, now}
	if len(t.queries) < trackedQueries {
		t.queries = append(t.queries, q)
		return
	}
	t.queries[t.oldest] = q
	t.oldest = (t.oldest + 1) % trackedQueries
}

// stray notes an answer whose id is not that of its socket's question.
func (t *tracker) stray(id uint16, now time.Time) {
	hits, limit := &t.unrecognised, maxUnrecognised
	for i := range t.queries {
		if q := &t.queries[i]; q.id == id && now.Sub(q.at) <= recognisedFor {
			hits, limit = &t.recognised, maxRecognised
			break
		}
	}
	for len(*hits) > 0 && now.Sub((*hits)[0]) > trackedFor {
		*hits = (*hits)[1:]
	}
	*hits = append(*hits, now)
	if len(*hits) >= limit {
		t.distrust(now)
	}
}
