package fetch

import (
	"strings"

	"github.com/kaon-net/kaon/net/origin"
)

// A ReferrerPolicy says how much of the referrer a request tells (W3C Referrer
// Policy section 3). The zero policy is Chromium's default.
type ReferrerPolicy uint8

// The policies. A downgrade is a request in the clear for a page that came by https.
const (
	StrictOriginWhenCrossOrigin ReferrerPolicy = iota // all to the same origin, else the origin, nothing on downgrade
	NoReferrer                                        // nothing
	NoReferrerWhenDowngrade                           // all, nothing on downgrade
	SameOriginReferrer                                // all to the same origin, else nothing
	OriginOnly                                        // the origin
	StrictOrigin                                      // the origin, nothing on downgrade
	OriginWhenCrossOrigin                             // all to the same origin, else the origin
	UnsafeURL                                         // all
)

var policyNames = [...]string{
	"strict-origin-when-cross-origin", "no-referrer", "no-referrer-when-downgrade",
	"same-origin", "origin", "strict-origin", "origin-when-cross-origin", "unsafe-url",
}

// String returns the standard's name.
func (p ReferrerPolicy) String() string {
	if int(p) < len(policyNames) {
		return policyNames[p]
	}
	return ""
}

// ParseReferrerPolicy returns the policy of that name, in any case. The empty name
// is the default.
func ParseReferrerPolicy(name string) (ReferrerPolicy, bool) {
	for i := range policyNames {
		if strings.EqualFold(policyNames[i], name) {
			return ReferrerPolicy(i), true
		}
	}
	return 0, name == ""
}

// maxReferrer is how long a referrer may be before only its origin is told.
const maxReferrer = 4096

// A referrer is the URL that a request names as its source, in two lengths.
type referrer struct {
	full   string // without user, password and fragment; empty is none
	origin origin.Origin
}

func parseReferrer(s string) (referrer, error) {
	if s == "" || s == "no-referrer" {
		return referrer{}, nil
	}
	t, err := parse(s)
	if err != nil {
		return referrer{}, invalid("referrer is not a URL of http or https")
	}
	full := t.bare()
	if t.url.User != nil {
		full = t.origin.String() + strings.TrimPrefix(full[strings.IndexByte(full, '@')+1:], t.url.Host)
	}
	return referrer{full: full, origin: t.origin}, nil
}

// trim returns what the policy lets a request to dest know. Redirects go on from
// there: what one hop was not told, the next one is not either.
func (r referrer) trim(p ReferrerPolicy, dest origin.Origin) referrer {
	if r.full == "" {
		return r
	}
	none := referrer{}
	short := referrer{r.origin.String() + "/", r.origin}
	if len(r.full) > maxReferrer {
		r = short
	}
	same := r.origin == dest
	downgrade := r.origin.Scheme == "https" && dest.Scheme != "https"
	switch p {
	case NoReferrer:
		return none
	case NoReferrerWhenDowngrade:
		if downgrade {
			return none
		}
		return r
	case SameOriginReferrer:
		if !same {
			return none
		}
		return r
	case OriginOnly:
		return short
	case StrictOrigin:
		if downgrade {
			return none
		}
		return short
	case OriginWhenCrossOrigin:
		if !same {
			return short
		}
		return r
	case UnsafeURL:
		return r
	default:
		switch {
		case same:
			return r
		case downgrade:
			return none
		}
		return short
	}
}
