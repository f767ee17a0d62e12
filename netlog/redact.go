package netlog

import (
	"strconv"
	"strings"
)

// stripped stands for n bytes that the mode does not show.
func stripped(n int) string { return "[" + strconv.Itoa(n) + " bytes were stripped]" }

// appendURL appends an address, without its user name and password where the mode
// hides them.
func appendURL(b []byte, m Mode, u string) []byte {
	if m >= IncludeSensitive {
		return appendText(b, u)
	}
	from, to := userInfo(u)
	if from == to {
		return appendText(b, u)
	}
	return appendText(b, u[:from], u[to:], " (credentials redacted)")
}

// userInfo returns where the user name and password with their "@" stand in u. It
// errs towards finding some: slashes may be missing or lean either way, as browsers
// accept them.
func userInfo(u string) (from, to int) {
	scheme, rest, ok := strings.Cut(u, ":")
	if !ok {
		return 0, 0
	}
	switch strings.ToLower(strings.TrimSpace(scheme)) {
	case "http", "https", "ws", "wss", "ftp", "file":
		rest = strings.TrimLeft(rest, `/\`)
	default:
		if rest, ok = strings.CutPrefix(rest, "//"); !ok {
			return 0, 0
		}
	}
	from = len(u) - len(rest)
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	return from, from + strings.LastIndexByte(rest, '@') + 1
}

// appendHeaders appends the members "headers" and, for a request line, "line".
func appendHeaders(b []byte, m Mode, first string, h headers) []byte {
	b = append(appendKey(b, "headers"), '[')
	empty := len(b)
	if first != "" {
		b = append(appendText(b, first), ',')
	}
	if h.fields != nil {
		h.fields(func(name, value string) bool {
			b = append(appendField(b, m, name, value), ',')
			return true
		})
	}
	if len(b) > empty {
		b = b[:len(b)-1]
	}
	b = append(b, ']')
	if h.line != "" {
		b = appendText(appendKey(b, "line"), strings.TrimSuffix(h.line, "\r\n"), "\r\n")
	}
	return b
}

func appendField(b []byte, m Mode, name, value string) []byte {
	if m < IncludeSensitive {
		if keep := shown(name, value); keep < len(value) {
			return appendText(b, name, ": ", value[:keep], stripped(len(value)-keep))
		}
	}
	return appendText(b, name, ": ", value)
}

// shown returns how much of a field's value is fit for every eye.
func shown(name, value string) int {
	switch {
	case strings.EqualFold(name, "Cookie"), strings.EqualFold(name, "Set-Cookie"),
		strings.EqualFold(name, "Set-Cookie2"), strings.EqualFold(name, "Authorization"),
		strings.EqualFold(name, "Proxy-Authorization"):
		return 0
	case strings.EqualFold(name, "WWW-Authenticate"), strings.EqualFold(name, "Proxy-Authenticate"):
		return shownChallenge(value)
	}
	return len(value)
}

// shownChallenge hides the token of schemes such as Negotiate. A token is base64 and
// has no comma, so a value with one is a list of challenges or of parameters; what
// Basic and Digest say is public.
func shownChallenge(value string) int {
	scheme := strings.TrimLeft(value, " \t")
	if i := strings.IndexAny(scheme, " \t"); i >= 0 {
		scheme = scheme[:i]
	}
	if strings.Contains(value, ",") || strings.EqualFold(scheme, "Basic") || strings.EqualFold(scheme, "Digest") {
		return len(value)
	}
	params := value[strings.Index(value, scheme)+len(scheme):]
	return len(value) - len(strings.TrimLeft(params, " \t"))
}
