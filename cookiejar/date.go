package cookiejar

import (
	"strings"
	"time"
)

// ParseDate reads the value of an Expires attribute as Chromium does: it looks for a
// month's name, a time h:m:s, a day and a year, in nearly any order and between nearly
// any punctuation. The time zone is not looked at; it is UTC. ok is false when one of
// them is missing or there is no such date.
func ParseDate(s string) (t time.Time, ok bool) {
	var day, month, year, hour, minute, second int
	var haveDay, haveYear, haveTime bool
	for len(s) > 0 {
		end := strings.IndexFunc(s, isDateDelimiter)
		if end < 0 {
			end = len(s)
		}
		token := s[:end]
		s = s[min(end+1, len(s)):]
		switch {
		case token == "":
		case !isDigit(token[0]):
			if month == 0 {
				month = monthOf(token)
			}
		case strings.IndexByte(token, ':') >= 0:
			if !haveTime {
				hour, minute, second, haveTime = clock(token)
			}
		case !haveDay && len(token) <= 2:
			day, haveDay = leadingNumber(token), true
		case !haveYear && len(token) <= 5:
			year, haveYear = leadingNumber(token), true
		}
	}
	switch {
	case !haveDay || month == 0 || !haveYear || !haveTime:
		return time.Time{}, false
	case 70 <= year && year <= 99:
		year += 1900
	case year <= 69:
		year += 2000
	}
	if hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	t = time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day // 31 February became March
}

func isDateDelimiter(r rune) bool {
	return r == '\t' || ' ' <= r && r <= '/' || ';' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// monthOf looks at the first three letters; 0 if they begin no month.
func monthOf(token string) int {
	const months = "janfebmaraprmayjunjulaugsepoctnovdec"
	for i := range 12 {
		if foldPrefix(token, months[3*i:3*i+3]) {
			return i + 1
		}
	}
	return 0
}

// clock reads h:m:s, of one or two digits each; what follows does not matter.
func clock(token string) (h, m, s int, ok bool) {
	var part [3]int
	for i := range part {
		if i > 0 {
			if token == "" || token[0] != ':' {
				return 0, 0, 0, false
			}
			token = token[1:]
		}
		n := 0
		for n < len(token) && n < 2 && isDigit(token[n]) {
			n++
		}
		if n == 0 {
			return 0, 0, 0, false
		}
		part[i], token = leadingNumber(token[:n]), token[n:]
	}
	return part[0], part[1], part[2], true
}

// leadingNumber reads the digits that token of at most five bytes begins with.
func leadingNumber(token string) (n int) {
	for i := 0; i < len(token) && isDigit(token[i]); i++ {
		n = 10*n + int(token[i]-'0')
	}
	return n
}
