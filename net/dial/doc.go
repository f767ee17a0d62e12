// Package dial makes TCP connections to host names as Chromium does, and races what
// else has to be made to one of a host's addresses, as connections of QUIC.
//
// A [Dialer] resolves, connects to the first address that there is, and races a
// second attempt of the other family against it once the first is slow (RFC 8305,
// Happy Eyeballs; the rules are those of Chromium's TcpConnectJob):
//
//	d := &dial.Dialer{Resolver: resolver}
//	res, err := d.Dial(ctx, &dial.Request{Host: "example.com", Port: 443})
//	if errors.Is(err, neterr.ConnectionRefused) { … }
//	defer res.Conn.Close()
//
// It needs a [dns.Resolver], owns nothing between two calls, and leaves no goroutine
// behind when a call returns. Proxies and TLS are for the layers above.
package dial
