package fetch

import (
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/profile"
)

// header returns the fields of the coming hop: the profile's template, filled.
func (c *chain) header() exchange.Fields {
	slots := c.f.profile.Headers.Fetch
	if c.init.Mode == ModeNavigate {
		slots = c.f.profile.Headers.Navigate
	}
	trustworthy := c.target.origin.Trustworthy()
	id := c.f.identity.Load()
	h := make(exchange.Fields, 0, len(slots)+len(c.fields))
	c.cookieAt = -1
	for i := range slots {
		s := &slots[i]
		if s.Trustworthy && !trustworthy {
			continue
		}
		switch s.Role {
		case profile.Caller:
			for _, field := range c.fields {
				// Connection is the request's Close.
				if !hasSlot(slots, field.Name) && !exchange.EqualName(field.Name, "Connection") {
					h = append(h, field)
				}
			}
			continue
		case profile.Accepted, profile.CacheMode: // the caller's stand elsewhere
			if c.fields.Has(s.Name) {
				continue
			}
		case profile.Cookie:
			c.cookieAt = len(h)
			h = appendAll(h, c.fields, s.Name)
			continue
		default:
			if c.fields.Has(s.Name) {
				h = appendAll(h, c.fields, s.Name)
				continue
			}
		}
		if value := c.value(s, id, trustworthy); value != "" {
			h = append(h, exchange.Field{Name: s.Name, Value: value})
		}
	}
	return h
}

// value returns what the browser puts into a slot; empty leaves it out.
func (c *chain) value(s *profile.Slot, id *identity, trustworthy bool) string {
	switch s.Role {
	case profile.Constant:
		return s.Value
	case profile.UserAgent:
		return id.userAgent
	case profile.BrandList:
		return id.brands
	case profile.PlatformName:
		return id.platform
	case profile.Accepted:
		return c.f.profile.Headers.Accept(c.init.Destination)
	case profile.AcceptEncoding:
		return c.f.acceptEncoding(trustworthy, c.fields)
	case profile.Languages:
		return id.languages
	case profile.CacheMode:
		return c.cacheControl(s.Name)
	case profile.RequestOrigin:
		return c.originField()
	case profile.Referrer:
		return c.referrer.full
	case profile.FetchSite:
		return c.site.String()
	case profile.FetchMode:
		return c.init.Mode.String()
	case profile.FetchUser:
		if c.init.UserActivation {
			return "?1"
		}
	case profile.FetchDest:
		if c.init.Destination == "" {
			return "empty"
		}
		return c.init.Destination
	case profile.StorageAccess:
		if c.site == crossSite && c.credentials() == exchange.Include {
			return "none"
		}
	}
	return ""
}

// hasSlot reports whether a field that the caller set stands at a place of its own
// in the template.
func hasSlot(slots []profile.Slot, name string) bool {
	for i := range slots {
		switch slots[i].Role {
		case profile.Caller, profile.CacheMode:
		default:
			if exchange.EqualName(slots[i].Name, name) {
				return true
			}
		}
	}
	return false
}

func appendAll(h, from exchange.Fields, name string) exchange.Fields {
	for _, field := range from {
		if exchange.EqualName(field.Name, name) {
			h = append(h, field)
		}
	}
	return h
}

// acceptEncoding is what to ask for, unless the caller did. Offsets of a range count
// in what arrives, so that must not be coded.
func (f *Fetcher) acceptEncoding(trustworthy bool, fields exchange.Fields) string {
	switch {
	case fields.Has("Range"):
		return "identity"
	case trustworthy:
		return f.profile.AcceptEncoding
	}
	return f.profile.AcceptEncodingInsecure
}

// cacheControl is what a cache mode has to say to caches on the way.
func (c *chain) cacheControl(name string) string {
	flags := c.init.loadFlags()
	switch {
	case flags&(exchange.BypassCache|exchange.DisableCache) != 0:
		return "no-cache"
	case flags&exchange.ValidateCache != 0 && name == "Cache-Control":
		return "max-age=0"
	}
	return ""
}

// originField is the value of Origin: for requests that may change something, and
// for those that want to read from another origin (Fetch Standard section 3.2).
func (c *chain) originField() string {
	o := c.init.Origin
	if o.IsOpaque() {
		return ""
	}
	switch {
	case c.init.Mode == ModeCORS && (c.tainted || o != c.target.origin):
	case c.method != "GET" && c.method != "HEAD":
	default:
		return ""
	}
	if c.tainted {
		return "null"
	}
	return o.String()
}

// A site is how the asking page relates to what it asks for (W3C Fetch Metadata
// section 2.3), worst last.
type site uint8

const (
	noSite site = iota // nobody's page asks
	sameOrigin
	sameSite
	crossSite
)

func (s site) String() string {
	return [...]string{"none", "same-origin", "same-site", "cross-site"}[s]
}

// visit lets site be the worst of itself and the relation to the coming hop.
func (c *chain) visit() {
	o := c.init.Origin
	switch {
	case o.IsOpaque():
		return
	case o == c.target.origin:
		c.site = max(c.site, sameOrigin)
	case o.Site() == c.target.origin.Site():
		c.site = max(c.site, sameSite)
	default:
		c.site = crossSite
	}
}
