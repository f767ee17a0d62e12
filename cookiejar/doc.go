// Package cookiejar will keep a session's cookies as a browser does: SameSite,
// name prefixes, partitions, Chromium's limits and order of eviction, and notices of
// every change. It will serve Electron's Cookies interface and the Cookie field of
// each request from the same entries; std's net/http/cookiejar is not used.
//
// It stands on floor 2, the engines; net/fetch will ask it. It holds no code yet:
// today no cookie is stored or sent.
package cookiejar
