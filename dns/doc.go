// Package dns resolves host names as Chromium's host resolver does: from the host itself
// if it is an address, localhost, what is remembered, the hosts file, and then from
// whom the configuration says: the operating system's resolver, DNS servers asked by
// the package itself, DNS over HTTPS servers, or the neighbours by multicast.
//
//	r := dns.New(dns.Config{})
//	defer r.Close()
//	res, err := r.Resolve(ctx, "example.com", dns.Options{CacheUsage: dns.CacheStaleAllowed})
//	if errors.Is(err, neterr.NameNotResolved) { … }
//
// [Resolver.Start] gives addresses as they come, for a caller that connects to the
// first family while the second is still being asked for. [Options] have Electron's
// names and defaults (session.resolveHost), [ClientConfig] those of
// app.configureHostResolver: on Linux and Windows the system's resolver alone is asked
// unless a program says otherwise.
//
// What is said of names is believed as Chromium does: private addresses are given out
// like any other, so a program that fetches what strangers name must look at them
// itself. 127.0.53.53 is an error, since it is nobody's address.
//
// A Resolver owns what it remembers ([hostcache.Cache]), and the questions it has under
// way: equal ones are asked once, only so many go out at a time, and Close ends them
// all. It needs a [System], which is std's net.Resolver unless a test or a program says
// otherwise, and for DNS over HTTPS an http.RoundTripper. The system's resolver repeats
// and times out by its own rules; Chromium's second attempt after six seconds would
// only be joined with the first one there. Whoever is asked, after 10 s a name has not
// resolved; [neterr.DNSTimedOut] is then the cause, as another code is of other failures
// of servers.
//
// Below it: dns/dnswire reads and writes messages, dns/stub asks DNS servers, dns/doh
// asks over HTTPS, dns/mdns by multicast, dns/hostcache remembers, and dns/sysconf reads
// the system's settings; dns/rtt is the patience of the two that ask servers. Not built: NAT64 synthesis for IPv4 literals on networks that
// have IPv6 alone.
package dns
