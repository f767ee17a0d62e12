// Package fetch makes requests as a browser makes them: URLs by the URL Standard,
// header fields in the browser's order, referrer policy, fetch metadata, redirects,
// cookies and HSTS where it is given a jar and a store, and content codings undone.
//
// It owns what a request says and where it goes next; how it gets there is
// Config.Next's, any exchange.RoundTripper. It needs a net/profile for what the
// browser looks like.
//
//	f := fetch.New(fetch.Config{Next: transport.New(transport.Config{})})
//	resp, err := f.Fetch(ctx, "https://example.com/a", &fetch.Init{Method: "POST", Body: strings.NewReader("x")})
//	if err != nil {
//		return err
//	}
//	defer resp.Body.Close()
//
// [Fetcher.Fetch] is the whole of it. [Fetcher.RoundTrip] is one hop of it, for
// exchange.HTTP and so for http.Client: that follows redirects itself, and expects
// that almost nothing is added to what it asks for.
//
// # Where it differs from Electron's net
//
//   - Authorization and Cookie fields that the caller set are dropped when a redirect
//     leaves the origin. Electron sends them on; only its pages drop them.
//   - Manual redirects return the 3xx response in place of an error.
//   - A host that requires https (Config.HSTS) has its cookies from the start: Electron
//     takes the upgrade for a step from another site.
//   - Clear-Site-Data clears cookies, as it does for Electron's pages.
//   - Uploads stream; none is collected first.
//   - Response.URL is right.
//
// User name and password in a URL are not sent ahead: Chromium answers a challenge
// with them. http.Client sends Basic at once whatever stands below it, so its users
// see no change.
package fetch
