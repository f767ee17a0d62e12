package fetch

import (
	"io"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// An Init says what to fetch beyond the URL (Fetch Standard: RequestInit; Electron:
// the options of net.request). The zero value of each field is the usual case, and a
// nil *Init the zero Init. It is not changed and may be used again, but for its Body.
//
// What is not valid is refused with [neterr.InvalidArgument], in Electron's words
// where it has some.
type Init struct {
	Method string // default GET; sent in upper case

	// Header is sent with the browser's own fields, in whose places the caller's
	// User-Agent, Accept, Accept-Language and so on come to stand. Names keep their
	// case.
	//
	// Electron's metadata fields are taken out and mean the fields below:
	// Referer, Origin, Sec-Fetch-User, Sec-Fetch-Mode, Sec-Fetch-Dest. Fields that
	// frame a message or belong to proxies are refused.
	Header exchange.Fields

	// Body is what is sent; nil sends none. It is closed if it is an io.Closer.
	// A *bytes.Buffer, *bytes.Reader or *strings.Reader needs neither of the next
	// two fields.
	Body io.Reader
	// GetBody makes Body anew: for redirects that keep the method, and for another
	// attempt. Without it those fail with [neterr.UploadStreamRewindNotSupported].
	GetBody func() (io.ReadCloser, error)
	// ContentLength is the length of Body in bytes. Zero is unknown, unless Body
	// tells; negative sends it chunked even then.
	ContentLength int64

	Redirect       RedirectMode
	Cache          CacheMode
	Credentials    exchange.Credentials // default Include; SameOrigin needs Origin
	Mode           Mode
	Destination    string         // as "image"; default "", for fetch(), and "document" with ModeNavigate
	Referrer       string         // URL of the page that asks; default none
	ReferrerPolicy ReferrerPolicy // default StrictOriginWhenCrossOrigin
	Origin         origin.Origin  // of the page that asks; default none: the request is the program's own
	UserActivation bool           // a user's act began this navigation

	Priority  exchange.Priority
	LoadFlags exchange.LoadFlags // beside those that Cache stands for
	SecureDNS exchange.SecureDNSPolicy
	Key       origin.Key // whose state may be shared
}

// RedirectMode says what happens to a redirect (Fetch Standard: redirect mode).
type RedirectMode uint8

// The redirect modes.
const (
	RedirectFollow RedirectMode = iota // up to 20 of them
	RedirectError                      // fail
	RedirectManual                     // return the response that redirects
)

// CacheMode says how far to use the HTTP cache (Fetch Standard: cache mode).
type CacheMode uint8

// The cache modes.
const (
	CacheDefault      CacheMode = iota
	CacheNoStore                // neither read nor write it
	CacheReload                 // write, do not read it
	CacheNoCache                // ask the server whether what is there still holds
	CacheForceCache             // take what is there, stale or not
	CacheOnlyIfCached           // the same, and fail without
)

// Mode is what Sec-Fetch-Mode says (Fetch Standard: request mode).
type Mode uint8

// The modes.
const (
	ModeNoCORS     Mode = iota // Electron's default
	ModeNavigate               // a document, with a navigation's header fields
	ModeCORS                   // with an Origin field to other origins; ModeNoCORS if there is no Init.Origin
	ModeSameOrigin             // fail for other origins
)

var modeNames = [...]string{"no-cors", "navigate", "cors", "same-origin"}

// String returns the standard's name, as "no-cors".
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "no-cors"
}

// loadFlags returns the flags of the cache mode and of the caller.
func (in *Init) loadFlags() exchange.LoadFlags {
	flags := in.LoadFlags
	switch in.Cache {
	case CacheNoStore:
		flags |= exchange.DisableCache
	case CacheReload:
		flags |= exchange.BypassCache
	case CacheNoCache:
		flags |= exchange.ValidateCache
	case CacheForceCache:
		flags |= exchange.SkipCacheValidation
	case CacheOnlyIfCached:
		flags |= exchange.SkipCacheValidation | exchange.OnlyFromCache
	}
	return flags
}

// normalize returns a copy with metadata fields moved to where they belong and
// defaults filled in, or the reason why it is not valid.
func (in Init) normalize() (Init, error) {
	switch in.Method = strings.ToUpper(in.Method); in.Method {
	case "":
		in.Method = "GET"
	case "CONNECT", "TRACE", "TRACK":
		return in, invalid("method " + in.Method + " is forbidden")
	}
	if !httpguts.ValidHeaderFieldName(in.Method) {
		return in, invalid("invalid method")
	}
	if in.Redirect > RedirectManual {
		return in, invalid("redirect mode should be one of follow, error or manual")
	}
	if in.Cache > CacheOnlyIfCached {
		return in, invalid("unknown cache mode")
	}
	if in.Mode > ModeSameOrigin {
		return in, invalid("unknown mode")
	}
	if err := in.splitHeader(); err != nil {
		return in, err
	}
	if in.Mode == ModeCORS && in.Origin.IsOpaque() {
		in.Mode = ModeNoCORS
	}
	switch in.Destination {
	case "empty":
		in.Destination = ""
	case "":
		if in.Mode == ModeNavigate {
			in.Destination = "document"
		}
	case "document", "frame", "iframe", "fencedframe":
		if in.Mode != ModeNavigate {
			return in, invalid("sec-fetch-dest of 'document', 'frame', 'iframe' or 'fencedframe' requires sec-fetch-mode 'navigate'")
		}
	case "audio", "audioworklet", "embed", "font", "image", "json", "manifest", "object",
		"paintworklet", "report", "script", "serviceworker", "sharedworker", "style",
		"text", "track", "video", "webidentity", "worker", "xslt":
	default:
		return in, invalid("unknown destination")
	}
	if in.Credentials == exchange.SameOrigin && in.Origin.IsOpaque() {
		return in, invalid("credentials: same-origin requires origin to be set")
	}
	if in.ReferrerPolicy > UnsafeURL {
		return in, invalid("unknown referrer policy")
	}
	return in, nil
}

// splitHeader checks the header fields and takes out those that are not sent as the
// caller wrote them.
func (in *Init) splitHeader() error {
	kept := make(exchange.Fields, 0, len(in.Header))
	for name, value := range in.Header.All() {
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			return invalid("Invalid header name: '" + strings.ToValidUTF8(name, "?") + "'")
		case !httpguts.ValidHeaderFieldValue(value):
			return invalid("Invalid value for header '" + name + "'") // the value may be a secret
		case isForbidden(name, value):
			return invalid("header '" + name + "' is forbidden")
		}
		switch strings.ToLower(name) {
		case "referer":
			in.Referrer = value
		case "origin":
			t, err := parse(value)
			if err != nil {
				return invalid("origin is not a URL of http or https")
			}
			in.Origin = t.origin
		case "sec-fetch-user":
			in.UserActivation = value == "?1"
		case "sec-fetch-dest":
			in.Destination = value
		case "sec-fetch-mode":
			if in.Mode = modeOf(value); in.Mode > ModeSameOrigin {
				return invalid("unknown sec-fetch-mode")
			}
		case "sec-fetch-site": // the browser's to say
		default:
			kept = append(kept, exchange.Field{Name: name, Value: value})
		}
	}
	in.Header = kept
	return nil
}

func modeOf(name string) Mode {
	for i := range modeNames {
		if modeNames[i] == name {
			return Mode(i)
		}
	}
	return Mode(len(modeNames))
}

// isForbidden reports whether the network service refuses the field: it would frame
// the message, talk to a proxy, or have a server take one method for another.
func isForbidden(name, value string) bool {
	name = strings.ToLower(name)
	switch name {
	case "content-length", "cookie2", "host", "keep-alive", "set-cookie", "te", "trailer",
		"transfer-encoding", "upgrade":
		return true
	case "connection":
		for token := range strings.SplitSeq(value, ",") {
			switch strings.ToLower(strings.Trim(token, " \t")) {
			case "close", "keep-alive", "":
			default:
				return true
			}
		}
	case "x-http-method", "x-http-method-override", "x-method-override":
		for method := range strings.SplitSeq(value, ",") {
			switch strings.ToUpper(strings.Trim(method, " \t")) {
			case "CONNECT", "TRACE", "TRACK":
				return true
			}
		}
	}
	return strings.HasPrefix(name, "proxy-")
}

// invalid refuses an Init. Texts that programs may know are Electron's, capitals and
// all.
func invalid(text string) error {
	return &neterr.Error{Code: neterr.InvalidArgument, Op: "fetch", Err: argError(text)}
}

type argError string

func (e argError) Error() string { return string(e) }
