package dns

import (
	"net"
	"path"
	"strconv"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
)

// Rules send connections to other hosts than their names say, in the syntax of
// Chromium's --host-resolver-rules: rules with commas between them, of which
//
//	MAP PATTERN TARGET[:PORT]
//	EXCLUDE PATTERN
//
// A pattern is a host name in which "*" stands for any text and "?" for one character,
// and for MAP perhaps ":" and a port. The first MAP that matches counts, unless an
// EXCLUDE does, wherever it stands. The target "^NOTFOUND", or "~NOTFOUND" as it once was, is a name
// that does not exist. The zero Rules change nothing.
type Rules struct {
	maps     []rule
	excludes []string // patterns
}

type rule struct {
	pattern string
	host    string // of the target; empty: there is none
	port    uint16 // of the target; 0: it stays
}

// ParseRules reads rules. Empty ones between commas are none.
func ParseRules(s string) (Rules, error) {
	var r Rules
	for text := range strings.SplitSeq(s, ",") {
		words := strings.Fields(text)
		switch {
		case len(words) == 0:
		case len(words) == 3 && strings.EqualFold(words[0], "MAP"):
			one := rule{pattern: pattern(words[1])}
			if !one.target(words[2]) {
				return Rules{}, badRule(text)
			}
			r.maps = append(r.maps, one)
		case len(words) == 2 && strings.EqualFold(words[0], "EXCLUDE"):
			r.excludes = append(r.excludes, pattern(words[1]))
		default:
			return Rules{}, badRule(text)
		}
	}
	return r, nil
}

// Apply returns where a connection to host and port is to go instead, or them if no
// rule matches. A host that is made not to exist is neterr.NameNotResolved.
func (r *Rules) Apply(host string, port uint16) (string, uint16, error) {
	if len(r.maps) == 0 {
		return host, port, nil
	}
	given := host
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	for _, e := range r.excludes {
		if matches(e, host) {
			return given, port, nil
		}
	}
	hostPort := net.JoinHostPort(host, strconv.Itoa(int(port)))
	for _, m := range r.maps {
		if !matches(m.pattern, host) && !matches(m.pattern, hostPort) {
			continue
		}
		if m.host == "" {
			return "", 0, &neterr.Error{Code: neterr.NameNotResolved, Op: "host rule", Addr: host}
		}
		if m.port != 0 {
			port = m.port
		}
		return m.host, port, nil
	}
	return given, port, nil
}

// pattern compiles a pattern for path.Match, to which brackets mean more.
func pattern(s string) string { return strings.ReplaceAll(strings.ToLower(s), "[", `\[`) }

func matches(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}

// target reads TARGET[:PORT].
func (r *rule) target(s string) bool {
	s = strings.ToLower(s)
	if s == "^notfound" || s == "~notfound" {
		return true
	}
	host, port, found := s, "", false
	if bare, ok := strings.CutPrefix(s, "["); ok {
		if host, port, ok = strings.Cut(bare, "]"); !ok {
			return false
		}
		port, found = strings.CutPrefix(port, ":")
		if !found && port != "" {
			return false
		}
	} else if strings.Count(s, ":") == 1 {
		host, port, found = strings.Cut(s, ":")
	}
	if _, _, err := parseName(host); err != nil {
		return false
	}
	r.host = host
	if found {
		n, err := strconv.ParseUint(port, 10, 16)
		r.port = uint16(n)
		return err == nil && n > 0
	}
	return true
}

func badRule(text string) error {
	return &neterr.Error{Code: neterr.InvalidArgument, Op: "host rule " + strconv.Quote(strings.TrimSpace(text)) +
		": want MAP PATTERN TARGET[:PORT] or EXCLUDE PATTERN"}
}
