// Package altsvc remembers which other ways to reach an origin its servers have
// advertised in Alt-Svc (RFC 7838), and which of them turned out not to work.
//
// [Parse] reads the field; a [Store] keeps what it says, for each origin and each
// isolation key, with Chromium's limits and rules (HttpServerProperties,
// BrokenAlternativeServices):
//
//   - Only h3 counts. Chromium parses h2 as well and never uses it; drafts of h3 and
//     Google's own quic are nothing to it. A field that names none of use forgets what
//     earlier ones said, as "clear" does; one that breaks the grammar changes nothing.
//   - Only https origins have alternatives. One on a port of 1024 or more is not used by
//     an origin below: on a shared machine any user may listen there.
//   - An alternative that failed where TCP did not is broken, for 5 minutes at first
//     and twice as long each time it fails again, up to 2 days, until a connection
//     proves it to work. When its time is up it has to be advertised anew.
//
// Beside that it keeps how long a round trip to a server takes, from which follows how
// long TCP waits for an alternative.
//
// What decides whether to try an alternative, and when it failed, is net/transport:
//
//	s := altsvc.NewStore(altsvc.Config{})
//	s.Learn(o, key, resp.Header.Get("Alt-Svc"), time.Now())
//	for _, a := range s.Lookup(nil, o, key, time.Now()) {
//		if !a.Broken { … }
//	}
//
// A Store has no clock and starts no goroutine. [Store.Snapshot] and [Store.Restore]
// are for whoever keeps it from one run of a program to the next.
package altsvc
