package cookiejar

import (
	"iter"
	"strings"
)

// A Reason is one why a cookie was refused; the numbers and the names that String gives
// are those of Chromium's CookieInclusionStatus. It is an error, for errors.Is.
type Reason uint8

const (
	ReasonHTTPOnly            Reason = 1  // HttpOnly, and a script sets it
	ReasonSecureOnly          Reason = 2  // Secure, and the URL is neither encrypted nor local
	ReasonDomainMismatch      Reason = 3  // the stored domain is not the URL's
	ReasonSameSiteStrict      Reason = 5  // SameSite=Strict from another site
	ReasonSameSiteLax         Reason = 6  // SameSite=Lax from another site
	ReasonSameSiteUnspecified Reason = 7  // no SameSite, so Lax, from another site
	ReasonSameSiteNone        Reason = 8  // SameSite=None without Secure
	ReasonUserPreferences     Reason = 9  // Config.Policy blocks it
	ReasonFailureToStore      Reason = 10 // malformed
	ReasonScheme              Reason = 11 // the URL's scheme has no cookies
	ReasonOverwriteSecure     Reason = 12 // would hide a Secure cookie from an unencrypted URL
	ReasonOverwriteHTTPOnly   Reason = 13 // would replace an HttpOnly cookie from a script
	ReasonInvalidDomain       Reason = 14 // the Domain attribute, or the URL's host
	ReasonInvalidPrefix       Reason = 15 // __Secure-, __Host- or __Http- without what it promises
	ReasonInvalidPartitioned  Reason = 16 // Partitioned without Secure
	ReasonPairTooLarge        Reason = 17 // name and value over 4,096 bytes
	ReasonAttributeTooLarge   Reason = 18 // an attribute over 1,024 bytes (API; a header's is ignored)
	ReasonCharacter           Reason = 24 // a control character, or ";" in the API
	ReasonNoContent           Reason = 26 // neither name nor value
)

var reasonNames = [...]struct{ chromium, text string }{
	ReasonHTTPOnly:            {"EXCLUDE_HTTP_ONLY", "scripts have no access to HttpOnly cookies"},
	ReasonSecureOnly:          {"EXCLUDE_SECURE_ONLY", "the URL has no access to Secure cookies"},
	ReasonDomainMismatch:      {"EXCLUDE_DOMAIN_MISMATCH", "the domain is not the host's"},
	ReasonSameSiteStrict:      {"EXCLUDE_SAMESITE_STRICT", "SameSite=Strict from another site"},
	ReasonSameSiteLax:         {"EXCLUDE_SAMESITE_LAX", "SameSite=Lax from another site"},
	ReasonSameSiteUnspecified: {"EXCLUDE_SAMESITE_UNSPECIFIED_TREATED_AS_LAX", "no SameSite, which means Lax, from another site"},
	ReasonSameSiteNone:        {"EXCLUDE_SAMESITE_NONE_INSECURE", "SameSite=None without Secure"},
	ReasonUserPreferences:     {"EXCLUDE_USER_PREFERENCES", "blocked by policy"},
	ReasonFailureToStore:      {"EXCLUDE_FAILURE_TO_STORE", "malformed"},
	ReasonScheme:              {"EXCLUDE_NONCOOKIEABLE_SCHEME", "the scheme has no cookies"},
	ReasonOverwriteSecure:     {"EXCLUDE_OVERWRITE_SECURE", "would take the place of a Secure cookie"},
	ReasonOverwriteHTTPOnly:   {"EXCLUDE_OVERWRITE_HTTP_ONLY", "would take the place of an HttpOnly cookie"},
	ReasonInvalidDomain:       {"EXCLUDE_INVALID_DOMAIN", "invalid domain"},
	ReasonInvalidPrefix:       {"EXCLUDE_INVALID_PREFIX", "the name's prefix promises more than the attributes keep"},
	ReasonInvalidPartitioned:  {"EXCLUDE_INVALID_PARTITIONED", "Partitioned without Secure"},
	ReasonPairTooLarge:        {"EXCLUDE_NAME_VALUE_PAIR_EXCEEDS_MAX_SIZE", "name and value are too large"},
	ReasonAttributeTooLarge:   {"EXCLUDE_ATTRIBUTE_VALUE_EXCEEDS_MAX_SIZE", "an attribute is too large"},
	ReasonCharacter:           {"EXCLUDE_DISALLOWED_CHARACTER", "a character that is not allowed"},
	ReasonNoContent:           {"EXCLUDE_NO_COOKIE_CONTENT", "neither name nor value"},
}

// String returns Chromium's name, such as "EXCLUDE_INVALID_DOMAIN".
func (r Reason) String() string {
	if int(r) < len(reasonNames) && reasonNames[r].chromium != "" {
		return reasonNames[r].chromium
	}
	return "EXCLUDE_UNKNOWN_ERROR"
}

// Error says what was wrong.
func (r Reason) Error() string {
	if int(r) < len(reasonNames) && reasonNames[r].text != "" {
		return reasonNames[r].text
	}
	return "unknown reason"
}

// Refused is the error of a cookie that was not stored: a set of reasons, of which
// errors.Is finds each. It names no part of the cookie.
type Refused uint32

// Error lists the reasons.
func (f Refused) Error() string {
	b := []byte("cookie refused")
	sep := ": "
	for r := range f.Reasons() {
		b = append(append(b, sep...), r.Error()...)
		sep = "; "
	}
	return string(b)
}

// String lists Chromium's names for the reasons, separated by ", ", as Chromium's own
// status dump does; "INCLUDE" if there is none.
func (f Refused) String() string {
	var names []string
	for r := range f.Reasons() {
		names = append(names, r.String())
	}
	if names == nil {
		return "INCLUDE"
	}
	return strings.Join(names, ", ")
}

// Is reports whether target is one of the reasons.
func (f Refused) Is(target error) bool {
	r, ok := target.(Reason)
	return ok && f.has(r)
}

// Reasons returns each reason, in Chromium's order.
func (f Refused) Reasons() iter.Seq[Reason] {
	return func(yield func(Reason) bool) {
		for r := range Reason(32) {
			if f.has(r) && !yield(r) {
				return
			}
		}
	}
}

func (f Refused) has(r Reason) bool { return r < 32 && f&(1<<r) != 0 }

// add notes r if it holds.
func (f *Refused) add(r Reason, holds bool) {
	if holds {
		*f |= 1 << r
	}
}
