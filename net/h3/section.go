package h3

import (
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
)

// A section is a field section that is being decoded.
type section struct {
	message.Section
	plain bool // judge nothing
}

// add takes the next field line.
func (s *section) add(f exchange.Field) {
	if !s.plain {
		line := message.LineOf(f.Name, f.Value)
		s.Add(&line)
		return
	}
	if s.Size += len(f.Name) + len(f.Value) + lineCost; s.Size <= s.Limit {
		s.Fields = append(s.Fields, f)
	}
}

// lineCost is what a field line counts beside its strings (RFC 9114 section 4.2.2).
const lineCost = 32
