package cookiejar

import (
	"strings"
)

// Limits of one cookie (Chromium; RFC 6265bis sections 5.6 and 5.7).
const (
	maxPair      = 4096 // bytes of name and value
	maxAttribute = 1024 // bytes of an attribute's value
)

// A Line is a Set-Cookie field taken apart (RFC 6265bis section 5.6), before anything
// is known of who sent it. Attributes that are absent, empty or too large are "".
type Line struct {
	Name, Value string

	Domain, Path    string
	Expires, MaxAge string // as written: see ParseDate

	Secure, HTTPOnly, Partitioned bool

	SameSite SameSite
	Priority Priority
}

// ParseLine takes the value of one Set-Cookie field apart. The error is a Refused.
func ParseLine(s string) (Line, error) {
	if hasControl(s) {
		return Line{}, refuse(ReasonCharacter)
	}
	var l Line
	pair, rest, more := strings.Cut(s, ";")
	name, value, named := strings.Cut(pair, "=")
	if !named {
		name, value = "", pair
	}
	l.Name, l.Value = trimBlank(name), trimBlank(value)
	if bad := checkPair(l.Name, l.Value); bad != 0 {
		return Line{}, bad
	}
	for more {
		var attr string
		attr, rest, more = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(attr, "=")
		name, value = trimBlank(name), trimBlank(value)
		if strings.IndexByte(name, '\t') >= 0 || strings.IndexByte(value, '\t') >= 0 {
			return Line{}, refuse(ReasonCharacter)
		}
		if len(value) <= maxAttribute {
			l.setAttribute(name, value)
		}
	}
	return l, nil
}

// String writes l as a Set-Cookie field that parses to l again.
func (l Line) String() string {
	var b strings.Builder
	b.WriteString(l.Name)
	b.WriteByte('=')
	b.WriteString(l.Value)
	text := func(name, value string) {
		if value != "" {
			b.WriteString("; ")
			b.WriteString(name)
			b.WriteString("=")
			b.WriteString(value)
		}
	}
	flag := func(name string, on bool) {
		if on {
			b.WriteString("; ")
			b.WriteString(name)
		}
	}
	text("Domain", l.Domain)
	text("Path", l.Path)
	text("Expires", l.Expires)
	text("Max-Age", l.MaxAge)
	flag("Secure", l.Secure)
	flag("HttpOnly", l.HTTPOnly)
	flag("Partitioned", l.Partitioned)
	switch l.SameSite {
	case None:
		text("SameSite", "None")
	case Lax, Strict:
		text("SameSite", l.SameSite.String())
	}
	if l.Priority != Medium {
		text("Priority", l.Priority.String())
	}
	return b.String()
}

// setAttribute: the last of equal names counts, unknown ones do not.
func (l *Line) setAttribute(name, value string) {
	switch {
	case foldEqual(name, "domain"):
		l.Domain = value
	case foldEqual(name, "path"):
		l.Path = value
	case foldEqual(name, "expires"):
		l.Expires = value
	case foldEqual(name, "max-age"):
		l.MaxAge = value
	case foldEqual(name, "secure"):
		l.Secure = true
	case foldEqual(name, "httponly"):
		l.HTTPOnly = true
	case foldEqual(name, "partitioned"):
		l.Partitioned = true
	case foldEqual(name, "samesite"):
		l.SameSite = sameSiteAttribute(value)
	case foldEqual(name, "priority"):
		l.Priority = priorityAttribute(value)
	}
}

func sameSiteAttribute(value string) SameSite {
	switch {
	case foldEqual(value, "none"):
		return None
	case foldEqual(value, "lax"):
		return Lax
	case foldEqual(value, "strict"):
		return Strict
	}
	return Unspecified
}

func priorityAttribute(value string) Priority {
	switch {
	case foldEqual(value, "low"):
		return Low
	case foldEqual(value, "high"):
		return High
	}
	return Medium
}

// checkPair holds what is true of every name and value, from a header or the API.
func checkPair(name, value string) (bad Refused) {
	bad.add(ReasonNoContent, name == "" && value == "")
	bad.add(ReasonPairTooLarge, len(name)+len(value) > maxPair)
	bad.add(ReasonCharacter, strings.IndexByte(name, '\t') >= 0 || strings.IndexByte(value, '\t') >= 0)
	// On the wire a nameless cookie is its value, which must not look like a named one.
	bad.add(ReasonFailureToStore, name == "" && strings.IndexByte(value, '=') >= 0)
	return bad
}

// hasControl finds a control character. Tabs may stand at the edges of a word, where
// they are trimmed with the blanks; who trims looks for those inside.
func hasControl(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return true
		}
	}
	return false
}

func trimBlank(s string) string { return strings.Trim(s, " \t") }

// foldEqual compares s with a lower-case ASCII word. strings.EqualFold knows letters
// outside ASCII that fold into it.
func foldEqual(s, word string) bool { return len(s) == len(word) && foldPrefix(s, word) }

func foldPrefix(s, word string) bool {
	if len(s) < len(word) {
		return false
	}
	for i := 0; i < len(word); i++ {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

func refuse(r Reason) Refused { return 1 << r }
