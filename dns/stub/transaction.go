package stub

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/rtt"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A transaction is one query. The caller's goroutine runs it, and makes the attempts
// itself as long as there is only one at a time.
type transaction struct {
	client   *Client
	question dnswire.Question
	fast     bool // see Options
	log      netlog.Source
	parent   context.Context
	start    time.Time

	message []byte // the question without an id, after two bytes for its length over TCP
	scratch [maxQuestion]byte
	picker  picker

	// Of the attempts that are made by other goroutines.
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	pending int
	results chan outcome // with a place for each
}

// An outcome is what came of an attempt.
type outcome struct {
	attempt *attempt
	answer  *dnswire.Answer
	err     error
}

var errNoServers = errors.New("no server to ask")

// run makes attempts until one of them settles the matter.
func (t *transaction) run() (*dnswire.Answer, error) {
	if len(t.client.servers) == 0 {
		return nil, t.fail(neterr.NameNotResolved, errNoServers)
	}
	var err error
	t.message, err = dnswire.AppendQuery(t.scratch[:2], t.question, dnswire.QueryOptions{})
	if err != nil {
		return nil, err
	}
	defer t.stop()
	t.picker = t.client.newPicker()
	for t.picker.made < len(t.client.servers)*t.client.config.Attempts && time.Now().Before(t.deadline()) {
		turn := t.client.turn(&t.picker)
		o := t.attempt(turn)
		if settled, answer, err := t.judge(&o, turn.period); settled {
			return answer, err
		}
		t.client.failed(turn.server)
		err = o.err
	}
	for t.pending > 0 && !t.fast {
		o := t.receive(nil, t.deadline())
		if settled, answer, err := t.judge(&o, rtt.Max); settled {
			return answer, err
		}
		err = o.err
		if o.attempt == nil {
			break
		}
	}
	return nil, err
}

func (t *transaction) deadline() time.Time { return t.start.Add(queryTimeout) }

// judge reports whether an outcome settles the matter, and how. period is what the
// latest attempt was given.
func (t *transaction) judge(o *outcome, period time.Duration) (settled bool, answer *dnswire.Answer, err error) {
	t.logResponse(o.attempt)
	switch {
	case o.err == nil:
		t.client.answered(o.attempt.server)
		return true, o.answer, nil
	case t.parent.Err() != nil:
		return true, nil, neterr.FromContext(t.parent)
	case errors.Is(o.err, neterr.DNSServerRequiresTCP):
		answer, err = t.askOverTCP(o.attempt.server, period)
		return true, answer, err
	}
	return false, nil, nil
}

// attempt makes one more attempt, and returns the first outcome that matters: its own,
// the success of an earlier one, or that its time is over while it goes on.
func (t *transaction) attempt(turn turn) outcome {
	until := time.Now().Add(turn.period)
	if end := t.deadline(); until.After(end) {
		until = end
	}
	a := t.newAttempt(turn.server, turn.tcp)
	if turn.tcp || t.pending > 0 {
		t.spawn(a, a.exchange)
		return t.receive(a, until)
	}
	answer, err := a.askUDP(t.parent, until)
	if a.conn == nil || !errors.Is(err, neterr.DNSTimedOut) {
		a.close(err)
		return outcome{a, answer, err}
	}
	t.spawn(a, a.listen)
	return outcome{a, nil, err}
}

// askOverTCP asks a server again whose answer was too long for UDP. Nobody else is
// asked: the others' answers would be as long.
func (t *transaction) askOverTCP(server int, period time.Duration) (*dnswire.Answer, error) {
	t.stop()
	until := t.deadline()
	if t.fast {
		if soon := time.Now().Add(2 * period); soon.Before(until) {
			until = soon
		}
	}
	a := t.newAttempt(server, true)
	answer, err := a.exchange(t.parent, until)
	t.logResponse(a)
	switch {
	case err == nil:
		t.client.answered(server)
	case t.parent.Err() != nil:
		err = neterr.FromContext(t.parent)
	default:
		t.client.failed(server)
	}
	return answer, err
}

// spawn lets an attempt go on beside others, until the query's own end at most.
func (t *transaction) spawn(a *attempt, ask func(context.Context, time.Time) (*dnswire.Answer, error)) {
	if t.ctx == nil {
		t.ctx, t.cancel = context.WithCancel(t.parent)
		t.results = make(chan outcome, len(t.client.servers)*t.client.config.Attempts)
	}
	t.pending++
	t.running.Go(func() {
		answer, err := ask(t.ctx, t.deadline())
		t.results <- outcome{a, answer, err}
	})
}

// receive waits for the success of any attempt, for a's failure, for the failure of the
// last that is left, or until the time is over.
func (t *transaction) receive(a *attempt, until time.Time) outcome {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	for {
		select {
		case o := <-t.results:
			t.pending--
			if o.err == nil || errors.Is(o.err, neterr.DNSServerRequiresTCP) || o.attempt == a || t.pending == 0 {
				return o
			}
			// Its server's failure was noted when its time was over.
			t.logResponse(o.attempt)
		case <-timer.C:
			return outcome{err: t.timeout()}
		case <-t.parent.Done():
			return outcome{err: neterr.FromContext(t.parent)}
		}
	}
}

// stop ends all attempts and waits for them.
func (t *transaction) stop() {
	if t.cancel != nil {
		t.cancel()
	}
	t.running.Wait()
	t.pending = 0
}

func (t *transaction) fail(code neterr.Code, err error) error {
	return &neterr.Error{Code: code, Op: "dns query", Addr: t.question.Name, Err: err}
}

func (t *transaction) timeout() error { return t.fail(neterr.DNSTimedOut, nil) }
