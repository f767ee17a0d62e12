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
