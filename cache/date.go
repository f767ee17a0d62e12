package cache

import (
	"net/http"
	"strings"
	"time"
)

// parseDate reads a date in any of the three forms that a recipient must accept (RFC 9110
// section 5.6.7). A year of two digits that would be more than 50 years ahead of now is of
// the century before.
func parseDate(s string, now time.Time) (time.Time, bool) {
	if t, ok := parseFixdate(s); ok {
		return t, true
	}
	t, err := http.ParseTime(s)
	if err != nil {
		return time.Time{}, false
	}
	if _, offset := t.Zone(); offset != 0 {
		return time.Time{}, false // all three forms are of GMT
	}
	t = t.UTC()
	if strings.IndexByte(s, '-') > 0 && t.After(now.AddDate(50, 0, 0)) {
		t = t.AddDate(-100, 0, 0)
	}
	return t, true
}

// parseFixdate reads the form that servers send nowadays, IMF-fixdate, as they write it.
func parseFixdate(s string) (time.Time, bool) {
	if len(s) != len(http.TimeFormat) || s[3:5] != ", " || s[7] != ' ' || s[11] != ' ' || s[16] != ' ' ||
		s[19] != ':' || s[22] != ':' || s[25:] != " GMT" {
		return time.Time{}, false
	}
	const days, months = "SunMonTueWedThuFriSat", "JanFebMarAprMayJunJulAugSepOctNovDec"
	weekday, month := strings.Index(days, s[:3]), strings.Index(months, s[8:11])
	year, day := digits(s[12:16]), digits(s[5:7])
	hour, minute, second := digits(s[17:19]), digits(s[20:22]), digits(s[23:25])
	if weekday%3 != 0 || month%3 != 0 || year < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month/3+1), day, hour, minute, second, 0, time.UTC)
	return t, t.Day() == day
}

// digits is a number written in digits alone, else -1.
func digits(s string) int {
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = 10*n + int(s[i]-'0')
	}
	return n
}
