package main

import (
	"context"
	"fmt"

	"github.com/kaon-net/kaon/netlog"
	"github.com/kaon-net/kaon/session"
)

// withSession runs use in a session of its own, with the NetLog running if a file is
// named for it.
func withSession(ctx context.Context, cfg session.Config, logFile string, use func(*session.Session) error) (err error) {
	ses, err := session.New(cfg)
	if err != nil {
		return err
	}
	defer func() {
		// Not ctx: a NetLog wants its end also when the user interrupts.
		if closeErr := ses.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	if logFile != "" {
		if err := ses.NetLog().StartFile(logFile, netlog.Options{Client: netlog.ClientInfo{Name: "kaon"}}); err != nil {
			return fmt.Errorf("--netlog: %w", err)
		}
	}
	return use(ses)
}
