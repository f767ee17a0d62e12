package dns

import (
	"context"
	"errors"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// A reply is an answer to one of the questions of a step.
type reply struct {
	typ    dnswire.Type
	answer *dnswire.Answer
	err    error
}

// take is one step of the plan. again reports whether the next one is to be tried.
func (j *job) take(ctx context.Context, s step) (err error, again bool) {
	switch s {
	case stepInsecureCache:
		if a, expires, ok := j.r.remembered(&j.key, false); ok {
			return j.takeRemembered(a, expires), false
		}
		return neterr.DNSCacheMiss, true
	case stepSystem:
		j.log.Begin(netlog.HostResolverSystemTask)
		err = j.ask(ctx, s)
		j.log.EndErr(netlog.HostResolverSystemTask, err)
	default:
		j.beginDNS(s)
		err = j.ask(ctx, s)
		j.log.EndErr(netlog.HostResolverDNSTask, err)
	}
	if err != nil && ctx.Err() != nil {
		return neterr.FromContext(ctx), false // it says nothing of the name
	}
	j.r.learn(j.key.plan, s, err)
	return err, err != nil && !errors.Is(err, neterr.ICANNNameCollision)
}

// An asker asks one question.
type asker func(ctx context.Context, q dnswire.Question) (*dnswire.Answer, error)

// ask puts all questions of the job at once, and gives out what is known as it comes.
func (j *job) ask(ctx context.Context, s step) error {
	ctx, cancel := context.WithCancel(ctx)
	who, questions := j.r.asker(j, s), j.questions(s)
	replies := make(chan reply, len(questions))
	for _, q := range questions {
		go func() {
			a, err := who(ctx, q)
			replies <- reply{q.Type, a, err}
		}()
	}
	left := len(questions)
	defer func() {
		cancel()
		for ; left > 0; left-- {
			<-replies
		}
	}()

	c := collector{job: j, step: s, began: time.Now(), families: left}
	if j.asksServices(s) {
		c.families--
	} else {
		c.addServices(new(dnswire.Answer), nil)
	}
	defer c.stop()
	for left > 0 {
		select {
		case rep := <-replies:
			left--
			if err := c.add(rep); err != nil {
				return err
			}
			if c.families == 0 && left > 0 {
				c.waitForServices()
			}
		case <-c.delayed():
			c.release()
		case <-c.patience():
			j.log.Event(netlog.HostResolverDNSTaskTimeout)
			return c.end(ctx, who)
		case <-ctx.Done():
			return neterr.FromContext(ctx)
		}
	}
	return c.end(ctx, who)
}

// questions are what a step has to ask.
func (j *job) questions(s step) []dnswire.Question {
	var qs []dnswire.Question
	for _, t := range [...]dnswire.Type{dnswire.AAAA, dnswire.A} {
		if j.key.query.allows(familyOfType(t)) {
			qs = append(qs, dnswire.Question{Name: j.key.name, Type: t})
		}
	}
	if j.asksServices(s) {
		qs = append(qs, dnswire.Question{Name: j.key.service, Type: dnswire.HTTPS})
	}
	return qs
}

// asksServices reports whether a step asks for HTTPS records.
func (j *job) asksServices(s step) bool {
	return j.key.service != "" && (s == stepDNS || s == stepSecureDNS)
}

// answers is how results call who a step asks.
func (s step) answers() string {
	switch s {
	case stepSecureDNS:
		return "https"
	case stepDNS:
		return "dns"
	case stepMDNS:
		return "mdns"
	}
	return "system"
}

func familyOfType(t dnswire.Type) family {
	if t == dnswire.A {
		return v4
	}
	return v6
}
