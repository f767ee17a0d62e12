// Package cookiejar keeps cookies as a browser does: RFC 6265bis with Chromium's
// limits, order of eviction, name prefixes, SameSite, partitions (CHIPS) and reasons for
// refusing, and a notice of every change. It serves Electron's Cookies interface and the
// Cookie field of each request from the same entries.
//
// A Jar needs nothing but a Config, whose zero value is Chromium's. Requests are
// described by a Request, of which a program that has no pages fills in the URL alone:
//
//	jar := cookiejar.New(cookiejar.Config{})
//	r := &cookiejar.Request{URL: u}
//	err := jar.Receive(r, resp.Header.Get("Set-Cookie")) // nil, or why it was refused
//	req.Header.Set("Cookie", jar.Header(r))
//
// A Jar is also an http.CookieJar, for http.Client. It keeps nothing on disk: Snapshot
// and Changed give a store what it needs, Restore takes it back. ReadNetscape, ReadJSON
// and their likes that write are for other programs' cookies. Nothing binds a cookie
// to the scheme and port it came from, as nothing does in Chromium.
package cookiejar
