package cookiejar

import "strings"

// sentences are how Electron's cookies.set says each reason; those that it never meets
// are left out.
var sentences = [...]string{
	ReasonHTTPOnly:           "The cookie was HttpOnly, but the attempted access was through a non-HTTP API.",
	ReasonSecureOnly:         "The cookie was Secure, but the URL was not allowed to access Secure cookies.",
	ReasonDomainMismatch:     "The cookie's domain attribute did not match the domain of the URL attempting access.",
	ReasonSameSiteNone:       "The cookie specified SameSite=None, but it was not Secure.",
	ReasonUserPreferences:    "Caller did not allow access to the cookie.",
	ReasonFailureToStore:     "The cookie was malformed and could not be stored",
	ReasonScheme:             "Attempted to set a cookie from a scheme that does not support cookies.",
	ReasonOverwriteSecure:    "The cookie would have overwritten a Secure cookie, and was not allowed to do so.",
	ReasonOverwriteHTTPOnly:  "The cookie would have overwritten an HttpOnly cookie, and was not allowed to do so.",
	ReasonInvalidDomain:      "The cookie was set with an invalid Domain attribute.",
	ReasonInvalidPrefix:      "The cookie was set with an invalid __Host- or __Secure- prefix.",
	ReasonInvalidPartitioned: "Cookie was set with an invalid Partitioned attribute, which is only valid if the cookie has a __Host- prefix.",
	ReasonPairTooLarge:       "The cookie exceeded the name/value pair size limit.",
	ReasonAttributeTooLarge:  "Cookie exceeded the attribute size limit.",
	ReasonCharacter:          "The cookie contains ASCII control characters",
	ReasonNoContent:          "The cookie contains no content or only whitespace.",
}

// ElectronError is the text with which Electron's cookies.set rejects: a sentence for
// each reason and Chromium's names of them, with nothing in between, as there.
func (f Refused) ElectronError() string {
	var b strings.Builder
	b.WriteString("Failed to set cookie - ")
	for r := range f.Reasons() {
		if int(r) < len(sentences) {
			b.WriteString(sentences[r])
		}
	}
	b.WriteString(f.String())
	return b.String()
}
