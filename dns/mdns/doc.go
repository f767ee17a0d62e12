// Package mdns asks the neighbours: RFC 6762 one-shot queries on all interfaces.
//
//	var c mdns.Client
//	answer, err := c.Query(ctx, dnswire.Question{Name: "printer.local", Type: dnswire.A}, netlog.Source{})
//
// A query goes once to the groups 224.0.0.251 and ff02::fb on each link, from a port of
// its own, to which the answers are asked to be sent. The first of them is taken. It is
// believed if it comes from mDNS's port of an address on one of the links, which is all
// that can be asked for: any neighbour may answer for any name.
//
// Nothing is kept between queries, and nobody is answered.
//
// It needs the messages of dns/dnswire and, of the system, sockets.
package mdns
