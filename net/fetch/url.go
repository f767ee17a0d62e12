package fetch

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// parser is the library's, with the one set of characters in which it is behind the
// standard: "^" in a path.
var parser = whatwg.NewParser(whatwg.WithPathPercentEncodeSet(whatwg.PathPercentEncodeSet.Set('^')))

// A target is a parsed http or https URL.
type target struct {
	url      *url.URL // as the layers below want it: without fragment
	href     string   // the URL Standard's serialisation, with fragment
	fragment string   // with its "#", or empty
	origin   origin.Origin
}

// bare returns the serialisation without the fragment.
func (t *target) bare() string { return t.href[:len(t.href)-len(t.fragment)] }

// ParseURL parses an absolute URL as browsers do (WHATWG URL Standard): it repairs
// where net/url refuses, and refuses where net/url is lenient.
//
// The result holds what goes over the wire: EscapedPath and RawQuery are byte for
// byte the standard's serialisation, in rare cases by way of Opaque. It has no
// fragment.
//
// The error is [neterr.InvalidURL] for what cannot be parsed,
// [neterr.DisallowedURLScheme] for schemes that name something else than a server
// (file, data, blob, javascript and so on) and [neterr.UnknownURLScheme] for all
// others that are not http or https.
func ParseURL(s string) (*url.URL, error) {
	t, err := parse(s)
	return t.url, err
}

func parse(s string) (target, error) {
	if t, ok := parseCanonical(s); ok {
		return t, nil
	}
	if hasHugeUserInfo(s) {
		return target{}, errInvalidURL
	}
	u, err := parser.Parse(s)
	if err != nil {
		return target{}, errInvalidURL
	}
	return convert(u)
}

// resolve parses ref relative to t, as a Location field holds it.
func (t *target) resolve(ref string) (target, error) {
	ref = escapeNonASCII(ref)
	if r, ok := parseCanonical(ref); ok {
		return r, nil
	}
	if hasHugeUserInfo(ref) {
		return target{}, errInvalidURL
	}
	u, err := parser.ParseRef(t.href, ref)
	if err != nil {
		return target{}, errInvalidURL
	}
	return convert(u)
}

// What does not parse is not repeated: it may hold a password in any place.
var errInvalidURL = &neterr.Error{Code: neterr.InvalidURL, Op: "parse", Err: errors.New("invalid URL")}

// maxUserInfo is how long a first part with an "@" may be, in bytes, as written and as
// serialised, where escapes triple it: else the serialisation of a URL would not
// parse. The parser's time grows with the square of it.
const maxUserInfo = 4 << 10

// hasHugeUserInfo reports whether s would take the parser long.
func hasHugeUserInfo(s string) bool {
	if len(s) <= maxUserInfo || strings.IndexByte(s, '@') < 0 {
		return false
	}
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(`/\?#`, r) }) {
		if len(part) > maxUserInfo && strings.IndexByte(part, '@') >= 0 {
			return true
		}
		if !strings.HasSuffix(strings.TrimRight(part, "\t\r\n"), ":") {
			break // this was the authority or the path; before it comes only the scheme
		}
	}
	return false
}

func convert(u *whatwg.Url) (target, error) {
	switch scheme := u.Scheme(); {
	case scheme == "http" || scheme == "https":
	case isUnsafeScheme(scheme):
		return target{}, &neterr.Error{Code: neterr.DisallowedURLScheme, Op: "fetch", Err: fmt.Errorf("scheme %q", scheme)}
	default:
		return target{}, &neterr.Error{Code: neterr.UnknownURLScheme, Op: "fetch", Err: fmt.Errorf("scheme %q", scheme)}
	}
	r := &url.URL{
		Scheme:     u.Scheme(),
		Host:       u.Host(),
		RawQuery:   u.Query(),
		ForceQuery: u.Query() == "" && strings.HasSuffix(u.Href(true), "?"),
	}
	setPath(r, u.Pathname())
	if name, password := u.Username(), u.Password(); name != "" || password != "" {
		r.User = url.UserPassword(unescape(name), unescape(password))
	}
	t := target{url: r, href: u.Href(false), origin: origin.Of(r)}
	t.fragment = t.href[len(u.Href(true)):]
	if t.origin.IsOpaque() || hasHugeUserInfo(t.href) {
		return target{}, errInvalidURL
	}
	return t, nil
}

// setPath makes u say path byte for byte. net/url escapes some characters that the
// URL Standard leaves alone, such as "|", and refuses a "%" without digits: only
// Opaque takes those.
func setPath(u *url.URL, path string) {
	u.Path = unescape(path)
	if u.EscapedPath() == path {
		return
	}
	if u.RawPath = path; u.EscapedPath() == path {
		return
	}
	u.Path, u.RawPath, u.Opaque = "", "", path
	if strings.HasPrefix(path, "//") {
		// net/url takes this for an authority: give it one, so that the request
		// line has the absolute form (RFC 9112 section 3.2.2).
		u.Opaque = "//" + u.Host + path
	}
}

func unescape(s string) string {
	if r, err := url.PathUnescape(s); err == nil {
		return r
	}
	return s
}

// isUnsafeScheme reports whether scheme names something that requests and redirects
// must not reach: local files, documents within a page, scripts, the browser's own.
func isUnsafeScheme(scheme string) bool {
	switch scheme {
	case "about", "blob", "chrome", "chrome-extension", "chrome-untrusted", "data",
		"devtools", "file", "filesystem", "javascript", "view-source":
		return true
	}
	return false
}

// escapeNonASCII writes bytes above 0x7f as "%XX": Location holds bytes, not text.
func escapeNonASCII(s string) string {
	i := 0
	for i < len(s) && s[i] < 0x80 {
		i++
	}
	if i == len(s) {
		return s
	}
	b := []byte(s[:i])
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x80 {
			b = append(b, c)
		} else {
			b = fmt.Appendf(b, "%%%02X", c)
		}
	}
	return string(b)
}
