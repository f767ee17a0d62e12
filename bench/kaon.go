package main

import (
	"context"

	"github.com/kaon-net/kaon/session"
)

// newKaon returns a session as programs use it, with the limit of connections per
// host, 6 as Chromium has it, raised to conns.
func newKaon(conns int) (contender, error) {
	ses, err := session.New(session.Config{MaxConnsPerHost: conns})
	if err != nil {
		return contender{}, err
	}
	return contender{name: kaon, rt: ses.RoundTripper(), close: func() { ses.Close(context.Background()) }}, nil
}
