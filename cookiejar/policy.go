package cookiejar

import "github.com/kaon-net/kaon/net/origin"

// A Verdict is what a policy lets a request do with cookies.
type Verdict uint8

const (
	Allow           Verdict = iota // all cookies
	PartitionedOnly                // only those marked Partitioned, in the page's partition
	Block                          // none
)

// BlockThirdParty is a policy for Config: a request to another site than that of the
// page it is for has its partitioned cookies only.
func BlockThirdParty(r *Request) Verdict {
	if r.URL == nil || r.SiteForCookies == (origin.Site{}) || r.SiteForCookies == origin.Of(r.URL).Site() {
		return Allow
	}
	return PartitionedOnly
}
