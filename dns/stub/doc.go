// Package stub is the built-in client: a stub resolver (RFC 1034 section 5.3.1) that
// asks DNS servers over UDP and TCP.
//
//	c := stub.New(stub.Config{Servers: servers})
//	answer, err := c.Query(ctx, dnswire.Question{Name: "example.test", Type: dnswire.A}, stub.Options{})
//
// It asks for one name as it is and knows nothing of search lists, caches or other
// sources: those are package dns's. When to ask which server is as in Chromium. An
// attempt that is not answered within its server's fallback period, which follows what
// was measured of that server, has the next server asked beside it. It is still listened
// to, and whichever answer comes first is taken. A server that failed as often as there
// are attempts is asked after the others, until it answers again.
//
// Each question over UDP has a socket and so a port of its own, and an id that cannot be
// guessed. What comes without them is not believed, and where too much of it comes, or
// ports repeat, the client asks over TCP from then on.
//
// It needs the messages of dns/dnswire and, of the system, sockets.
package stub
