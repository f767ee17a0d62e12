// Package nettest has what tests of a network stack need and nothing else should:
// an in-memory [Network] that works under testing/synctest, a scripted [Server] on a
// real loopback socket, a throw-away certificate authority ([CA]), a check for
// leaked goroutines ([CheckGoroutines]) and rigs, which are real servers such as
// [Nginx] started for one test.
//
// Only tests, bench, fuzz and cmd/kaon import it. It stands on the standard library
// alone, and on quic-go for servers of HTTP/3, so every package of the module can be
// tested with it.
//
// A test that wants a peer misbehaving in one exact way writes that peer down:
//
//	srv := nettest.NewServer(t, func(c *nettest.Conn) {
//		c.ReadHead()
//		c.Print("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")
//		c.Reset()
//	})
//	resp, err := client.Get(srv.URL())
//
// # Rigs
//
// A rig needs a program that is not part of this module. Without it the test is
// skipped and says what to install; with KAON_RIGS=required in the environment it
// fails instead, so that a machine which should run the rigs cannot lose them
// unnoticed.
package nettest
