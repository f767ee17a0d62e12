// Package message is what HTTP/2 and HTTP/3 make of a request and of a response alike,
// however they frame and compress it: the head of a request and what may be in it, the
// fields of a response and what they must not be, a request's body on its way out.
//
// It needs the words of net/exchange and nothing of a connection.
package message
