// Package dns resolves host names: from the host itself if it is an address,
// localhost, the hosts file, and then by the operating system's resolver.
//
//	r := dns.New(dns.Config{})
//	defer r.Close()
//	res, err := r.Resolve(ctx, "example.com", dns.Options{})
//	if errors.Is(err, neterr.NameNotResolved) { … }
//
// [Resolver.Start] gives addresses as they come, for a caller that connects to the
// first family while the second is still being asked for.
//
// A Resolver owns the questions it has under way: equal ones are asked once, only so
// many go out at a time, and Close ends them all. It remembers no answers yet: every
// connection to a name asks again, and what lies behind the system's resolver may
// cache. It needs a [System], which is std's net.Resolver unless a test or a program
// says otherwise. That resolver repeats and times out by its own rules; Chromium's
// second attempt after six seconds would only be joined with the first one there.
//
// The options have Electron's names and defaults. Those for which there is nothing
// behind yet say so.
package dns
