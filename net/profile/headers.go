package profile

// Headers are templates for the header fields of a request, in wire order.
//
// A template is filled from the top: each [Slot] gives its field if there is a value
// for its [Role] and the URL is trustworthy enough, and nothing otherwise. Host,
// Connection and Content-Length come before it on HTTP/1.1 (the connection writes
// them), If-None-Match and If-Modified-Since after it (the cache adds them), and
// "priority" last of all on HTTP/2 and 3.
//
// For requests that a page makes, Chromium's order of what the caller set follows a
// hash table and changes with the set of names. Fetch has the order of every request
// whose caller sets no more than Accept and Content-Type; with others it is the order
// that fits most.
type Headers struct {
	Navigate []Slot // the top document, frames, forms
	Fetch    []Slot // subresources, fetch, XMLHttpRequest

	// Accepts gives Accept by destination (Fetch Standard: request destination).
	Accepts []Accept
}

// An Accept is the value of Accept for one destination.
type Accept struct{ Destination, Value string }

// A Slot is the place of one header field.
type Slot struct {
	Name  string // in the case of HTTP/1.1; HTTP/2 and 3 send lower case
	Value string // for role Constant
	Role  Role
	// Trustworthy fields go only to potentially trustworthy URLs: https, and http
	// to localhost.
	Trustworthy bool
}

// A Role says where the value of a slot comes from.
type Role uint8

// The roles.
const (
	Constant       Role = iota // Slot.Value
	UserAgent                  // Platform.UserAgent, or what the program chose
	BrandList                  // Profile.BrandList
	PlatformName               // Platform.Name in quotes
	Accepted                   // Headers.Accept, unless the caller set Accept
	AcceptEncoding             // Profile.AcceptEncoding or AcceptEncodingInsecure; "identity" with Range
	Languages                  // AcceptLanguage of the languages, unless the caller set it
	ContentType                // of the body, or as the caller set it, in its case
	CacheMode                  // what a reload or a cache mode adds; not the caller's
	RequestOrigin              // Origin
	Referrer                   // Referer
	FetchSite                  // Sec-Fetch-Site
	FetchMode                  // Sec-Fetch-Mode
	FetchUser                  // Sec-Fetch-User, if a user's act began a navigation
	FetchDest                  // Sec-Fetch-Dest
	StorageAccess              // Sec-Fetch-Storage-Access, for cross-site requests with credentials
	CallerAccept               // Accept, if the caller set it
	Caller                     // every other field that the caller set, in its order; Name is empty
	Range                      // Range, if the caller set it
	Cookie                     // Cookie
)

// Accept returns the value of Accept for a destination of the Fetch Standard, as
// "image" or "" for fetch(). It is "*/*" if nothing else is known.
func (h *Headers) Accept(destination string) string {
	for i := range h.Accepts {
		if h.Accepts[i].Destination == destination {
			return h.Accepts[i].Value
		}
	}
	return "*/*"
}
