package cookiejar

import (
	"net/url"
	"strings"
	"time"
)

// Details describe a cookie that the program sets: Electron's cookies.set.
type Details struct {
	URL string // whose cookie it is; required

	Name, Value string

	Domain string // "": of the URL's host alone; else of it and those below
	Path   string // "": the directory of the URL's path; else begins with "/"

	Secure   *bool // nil: true if SameSite is None
	HTTPOnly bool
	SameSite *SameSite // nil: Lax
	Priority Priority

	Expires time.Time // zero: with the session; past: the cookie is removed

	// Created and Accessed are for cookies that were elsewhere before; zero means now.
	// Accessed alone is refused.
	Created, Accessed time.Time
}

// Set stores a cookie of the program's own: SameSite and the Policy do not count. It
// replaces an HttpOnly cookie only by another. The error is a Refused.
func (j *Jar) Set(d Details) error {
	u, err := url.Parse(d.URL)
	if err != nil {
		return refuse(ReasonInvalidDomain)
	}
	t, bad := j.target(&Request{URL: u})
	if bad != 0 {
		return bad
	}
	l, bad := d.line()
	if bad != 0 {
		return bad
	}
	now := clockNow()
	c, site, bad := j.build(&t, &l, Allow, now)
	bad.add(ReasonFailureToStore, !d.Accessed.IsZero() && d.Created.IsZero())
	if bad != 0 {
		return bad
	}
	if !d.Created.IsZero() {
		c.Created = exact(d.Created)
	}
	if !d.Accessed.IsZero() {
		c.Accessed = exact(d.Accessed)
	}
	if !d.Expires.IsZero() {
		c.Expires = exact(capExpiry(d.Expires, c.Created))
	}
	return j.commit(&c, site, t.trusted, !d.HTTPOnly, now)
}

// line makes of d what a server would have sent. Unlike a server the program is told
// of what cannot be meant.
func (d *Details) line() (l Line, bad Refused) {
	for _, s := range []string{d.Name, d.Value, d.Path} {
		bad.add(ReasonCharacter, hasControl(s) || strings.IndexByte(s, ';') >= 0 || trimBlank(s) != s)
	}
	bad.add(ReasonCharacter, strings.IndexByte(d.Name, '=') >= 0)
	bad |= checkPair(d.Name, d.Value)
	bad.add(ReasonInvalidDomain, hasControl(d.Domain) || strings.IndexByte(d.Domain, ';') >= 0 || trimBlank(d.Domain) != d.Domain)
	bad.add(ReasonFailureToStore, d.Path != "" && d.Path[0] != '/')
	path := escapePath(d.Path)
	bad.add(ReasonAttributeTooLarge, len(d.Domain) > maxAttribute || len(path) > maxAttribute)
	l = Line{
		Name: d.Name, Value: d.Value, Domain: d.Domain, Path: path,
		HTTPOnly: d.HTTPOnly, SameSite: Lax, Priority: d.Priority,
	}
	if d.SameSite != nil {
		l.SameSite = *d.SameSite
	}
	l.Secure = l.SameSite == None
	if d.Secure != nil {
		l.Secure = *d.Secure
	}
	return l, bad
}

// escapePath writes a path as a URL has it, since it is compared with one. Escapes that
// are there already stay.
func escapePath(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if c := path[i]; c <= ' ' || c > '~' || strings.IndexByte("\"#<>?`{}", c) >= 0 {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
