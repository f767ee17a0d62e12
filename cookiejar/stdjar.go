package cookiejar

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

var _ http.CookieJar = (*Jar)(nil)

// Cookies implements http.CookieJar: what a request to u sends that no page makes. A
// cookie without a name goes out with a "=" before it, as net/http writes it.
func (j *Jar) Cookies(u *url.URL) []*http.Cookie {
	var room room
	picked := j.pick(room[:0], &Request{URL: u})
	if len(picked) == 0 {
		return nil
	}
	cookies, list := make([]http.Cookie, len(picked)), make([]*http.Cookie, len(picked))
	for i, e := range picked {
		c := &cookies[i]
		c.Name, c.Value, c.Quoted = e.Name, e.Value, false
		if n := len(e.Value); n > 1 && e.Value[0] == '"' && e.Value[n-1] == '"' {
			c.Value, c.Quoted = e.Value[1:n-1], true
		}
		list[i] = c
	}
	return list
}

// SetCookies implements http.CookieJar: it stores the cookies of a response from u, and
// says nothing of those that are refused.
func (j *Jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	t, bad := j.target(&Request{URL: u})
	if bad != 0 {
		return
	}
	verdict, now := j.verdict(t.Request), clockNow()
	for _, c := range cookies {
		if l, bad := stdLine(c); bad == 0 {
			_ = j.receive(&t, &l, verdict, now)
		}
	}
}

func stdLine(c *http.Cookie) (l Line, bad Refused) {
	l = Line{
		Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path, Expires: c.RawExpires,
		Secure: c.Secure, HTTPOnly: c.HttpOnly, Partitioned: c.Partitioned,
	}
	if c.Quoted {
		l.Value = `"` + c.Value + `"`
	}
	if l.Expires == "" && !c.Expires.IsZero() {
		l.Expires = c.Expires.UTC().Format(http.TimeFormat)
	}
	if c.MaxAge != 0 {
		l.MaxAge = strconv.Itoa(c.MaxAge)
	}
	switch c.SameSite {
	case http.SameSiteNoneMode:
		l.SameSite = None
	case http.SameSiteLaxMode:
		l.SameSite = Lax
	case http.SameSiteStrictMode:
		l.SameSite = Strict
	}
	for _, attr := range c.Unparsed {
		if name, value, _ := strings.Cut(attr, "="); foldEqual(trimBlank(name), "priority") {
			l.Priority = priorityAttribute(trimBlank(value))
		}
	}
	for _, s := range []*string{&l.Domain, &l.Path} {
		bad.add(ReasonCharacter, hasControl(*s) || strings.IndexByte(*s, ';') >= 0)
		if len(*s) > maxAttribute {
			*s = ""
		}
	}
	for _, s := range []string{l.Name, l.Value} {
		bad.add(ReasonCharacter, hasControl(s) || strings.IndexByte(s, ';') >= 0)
	}
	bad.add(ReasonCharacter, strings.IndexByte(l.Name, '=') >= 0)
	return l, bad | checkPair(l.Name, l.Value)
}
