// Package dnswire writes DNS questions and reads the answers: the messages of
// RFC 1035, with EDNS (RFC 6891), padding (RFC 7830) and HTTPS records (RFC 9460).
//
// It judges an answer as strictly as Chromium does. An answer to something else is
// [ErrMismatch], which over UDP means to go on listening: it may be forged. One to the
// right question is read only where its aliases make one chain from the name asked for
// to the records, so that nothing else a server adds is believed.
//
//	b, err := dnswire.AppendQuery(nil, q, dnswire.QueryOptions{ID: id})
//	…
//	answer, err := dnswire.Parse(reply, q, id)
//
// It does no I/O and keeps nothing. It is the one package that knows the library which
// packs and unpacks messages.
package dnswire
