// Package h3 is one client connection of HTTP/3 (RFC 9114) over a QUIC connection of
// quic-go, with Chromium's wire image as far as that allows.
//
// A [Conn] carries many requests at once. Whoever calls RoundTrip encodes, writes and
// reads on its own goroutine; one is started for a request only if it has a body that
// may block. [Dial] makes the QUIC connection as well, over a UDP socket of its own:
//
//	c, err := h3.Dial(ctx, socket, tlsConfig, h3.Config{Host: "example.com:443"})
//	if err := c.Reserve(); err != nil { … }
//	resp, err := c.RoundTrip(ctx, &exchange.Request{URL: u})
//
// The slot that Reserve takes frees itself when the stream has ended. While the handshake
// is not complete only requests with safe methods are sent (0-RTT); others wait. If the
// server does not take 0-RTT, they go out again on the same connection.
//
// # Limits
//
// What a peer can make a Conn hold, with [QUICConfig]: 15 MiB of unread bytes, 6 MiB of
// them on one stream; field sections of 256 KiB, coded and decoded, for each response,
// 1xx responses and trailers included; 32 KiB of strings that came in field sections;
// 4 KiB for each response that is being read; 103 streams of its own, and what quic-go
// keeps of 128 datagrams. SETTINGS of more than 4 KiB, 10,000 frames of no use on one
// stream, empty DATA and each GOAWAY among them, and 10,000 streams of its own end the
// connection with H3_EXCESSIVE_LOAD. There is no dynamic QPACK table. Nothing waits for a
// peer without a context or QUIC's idle timeout of 30 s; a connection without requests
// closes itself after as long.
//
// # What is not as Chromium's
//
// Compared with Chromium 156; what is as its is held by tests against a capture. Of QUIC
// and TLS, which are quic-go's and crypto/tls's:
//
//	                   Chromium                        here, and why
//	ClientHello        extensions shuffled, ECH or     crypto/tls's own: its order and its signature
//	                   its GREASE, ALPS, brotli,       algorithms; ECH only if there is a config.
//	                   trust_anchors                   quic-go takes no other TLS
//	first flight       CRYPTO in pieces, shuffled      quic-go's own pieces; also 1250 bytes
//	                   among PING and PADDING
//	packet numbers     from 1                          from 0; not to be set
//	destination ID     8 bytes in the first packet     8 to 20, drawn by quic-go
//	source ID          none                            none with Dial; with a quic.Transport that
//	                                                   serves several connections 4 bytes
//	parameters         shuffled                        in quic-go's order, one of GREASE among them
//	  left out         google_connection_options,      quic-go does not have them: so servers send no
//	                   version_information             ORIGIN frames, which would be skipped
//	  beside them      -                               max_ack_delay, active_connection_id_limit
//	  other values     max_udp_payload_size 1472,      1452,
//	                   max_datagram_frame_size 65536   16383: quic-go's own
//	ECN                not marked                      ECT(0), until the path shows that it is of no
//	                                                   use; only the environment of the process can
//	                                                   turn that off
//	path MTU           never searched for              searched for: uploads gain by it
//	keep-alive         PING every 15 s while           PING every 15 s, for the 30 s as well that a
//	                   requests are open               connection may rest
//
// Of HTTP/3:
//
//	QPACK              table of 65536 bytes, 100       0 and 0: there is no dynamic table, so no encoder
//	                   blocked streams; requests       stream is opened, and all is coded with the static
//	                   insert into the server's        table and literals
//	QPACK decoder      a stream is opened for          never opened: nothing is to be acknowledged or
//	                   cancellations                   cancelled
//	H3_DATAGRAM        announced                       announced; datagrams that come are dropped
//
// Quic-go writes one line with package log if the system does not let it have the socket
// buffers that it wants; QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING in the environment of the
// process keeps it from that.
package h3
