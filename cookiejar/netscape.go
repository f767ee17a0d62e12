package cookiejar

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Limits of what is imported.
const (
	maxImported  = 100_000  // cookies: thirty times what a jar keeps
	maxTextLine  = 64 << 10 // bytes of a line of cookies.txt
	maxJSONInput = 64 << 20 // bytes
)

const netscapeHead = "# Netscape HTTP Cookie File\n"

// httpOnlyMark begins the line of an HttpOnly cookie, which else would be a comment.
const httpOnlyMark = "#HttpOnly_"

// ReadNetscape reads the format of cookies.txt, which curl, wget and browsers' add-ons
// write: lines of seven fields with tabs between them (domain, whether it includes
// subdomains, path, whether it is Secure, the second since 1970 at which it ends or 0,
// name, value). Lines that begin with # are comments, but for #HttpOnly_.
//
// The cookies are for Jar.Put. An error names the line, and never says what is in it;
// there are no cookies then. More than 100,000 cookies, and lines over 64 KiB, are an
// error.
func ReadNetscape(r io.Reader) ([]Cookie, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxTextLine)
	var cookies []Cookie
	now := clockNow()
	n := 1
	for ; lines.Scan(); n++ {
		line := strings.TrimSuffix(lines.Text(), "\r")
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		bare, httpOnly := strings.CutPrefix(line, httpOnlyMark)
		if !httpOnly && strings.HasPrefix(line, "#") || strings.Trim(line, " \t") == "" {
			continue
		}
		c, err := netscapeCookie(bare)
		if err == nil {
			c.HTTPOnly, c.Created, c.Accessed, c.Updated = httpOnly, now, now, now
			err = importable(&c, now, len(cookies))
		}
		if err != nil {
			return nil, fmt.Errorf("cookies.txt: line %d: %w", n, err)
		}
		cookies = append(cookies, c)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("cookies.txt: line %d: longer than %d bytes", n, maxTextLine)
	case err != nil:
		return nil, fmt.Errorf("cookies.txt: %w", err)
	}
	return cookies, nil
}

// importable refuses what no jar could have made, and too many.
func importable(c *Cookie, now time.Time, have int) error {
	if have == maxImported {
		return fmt.Errorf("more than %d cookies", maxImported)
	}
	if _, bad := c.restored(now); bad != 0 {
		return bad
	}
	return nil
}

func netscapeCookie(line string) (c Cookie, err error) {
	f := strings.Split(line, "\t")
	if len(f) == 6 {
		f = append(f, "") // some writers end the line with the name
	}
	if len(f) != 7 {
		return c, fmt.Errorf("%d fields, want 7 with tabs between them", len(f))
	}
	subDomains, err := netscapeFlag(f[1], "includes subdomains")
	if err != nil {
		return c, err
	}
	secure, err := netscapeFlag(f[3], "secure")
	if err != nil {
		return c, err
	}
	expires, err := netscapeTime(f[4])
	if err != nil {
		return c, err
	}
	return Cookie{
		Name: f[5], Value: f[6], Path: f[2], Secure: secure, Expires: expires,
		Domain: strings.ToLower(strings.TrimPrefix(f[0], ".")), HostOnly: !subDomains,
		SourceScheme: sourceOf(secure), SourcePort: -1,
	}, nil
}

// sourceOf is what an imported cookie says of its origin: an unencrypted one cannot have
// set it if it is Secure.
func sourceOf(secure bool) SourceScheme {
	if secure {
		return SourceSecure
	}
	return SourceUnset
}

func netscapeFlag(s, what string) (bool, error) {
	switch {
	case foldEqual(s, "true"):
		return true, nil
	case foldEqual(s, "false"):
		return false, nil
	}
	return false, fmt.Errorf("%s is neither TRUE nor FALSE", what)
}

// netscapeTime reads seconds since 1970; some writers add a fraction, or leave a session
// cookie's empty.
func netscapeTime(s string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if strings.Trim(fraction, "0123456789") != "" {
		whole = "?"
	}
	switch whole {
	case "", "0":
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds < minSeconds || seconds > maxSeconds {
		return time.Time{}, errors.New("the time of expiry is not a number of seconds")
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// Seconds since 1970 of the years 1601 to 9999, between which other programs' times lie.
const minSeconds, maxSeconds = -11644473600, 253402300799

// WriteNetscape writes cookies as ReadNetscape reads them. The format has no room for
// SameSite, priority and fractions of seconds; Partitioned cookies are left out, because
// they would come back as cookies for all.
func WriteNetscape(w io.Writer, cookies []Cookie) error {
	b := bufio.NewWriter(w)
	b.WriteString(netscapeHead)
	for i := range cookies {
		c := &cookies[i]
		if !c.Partition.IsZero() {
			continue
		}
		if c.HTTPOnly {
			b.WriteString(httpOnlyMark)
		}
		dot, expires := ".", int64(0)
		if c.HostOnly {
			dot = ""
		}
		if !c.IsSession() {
			expires = c.Expires.Unix()
		}
		fmt.Fprintf(b, "%s%s\t%s\t%s\t%s\t%d\t%s\t%s\n",
			dot, c.Domain, flagWord(!c.HostOnly), c.Path, flagWord(c.Secure), expires, c.Name, c.Value)
	}
	return b.Flush()
}

func flagWord(on bool) string {
	if on {
		return "TRUE"
	}
	return "FALSE"
}
