package dns

import (
	"context"
	"strings"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/sysconf"
	"github.com/kaon-net/kaon/net/neterr"
)

// searching makes an asker try a name with the suffixes that the system has for names
// which are not complete. It is for servers; the system's resolver does that by itself.
func (s *setup) searching(ask asker) asker {
	return func(ctx context.Context, q dnswire.Question) (a *dnswire.Answer, err error) {
		names := candidates(q.Name, s.system)
		if len(names) == 0 {
			return nil, neterr.DNSSearchEmpty
		}
		for _, q.Name = range names {
			if a, err = ask(ctx, q); err != nil || !a.NameError {
				break
			}
		}
		return a, err
	}
}

// candidates returns the names to ask for in place of name, in order (resolv.conf(5),
// and Chromium). A name that ends in a dot is complete.
func candidates(name string, c *sysconf.Config) []string {
	if bare, ok := strings.CutSuffix(name, "."); ok {
		return []string{bare}
	}
	dots := strings.Count(name, ".")
	asItIs := dots > 0 || !c.NoTLDQuery
	names := make([]string, 0, 1+len(c.Search))
	if dots >= c.Ndots && asItIs {
		names = append(names, name)
	}
	for _, suffix := range c.Search {
		if full := name + "." + suffix; len(full) <= maxName {
			names = append(names, full)
		}
	}
	if dots < c.Ndots && asItIs {
		names = append(names, name)
	}
	return names
}
