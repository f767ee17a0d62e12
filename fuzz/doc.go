// Package fuzz holds the fuzz targets of whatever in Kaon parses bytes from
// outside. Their seeds are in the targets and in testdata/fuzz.
//
//	go test ./fuzz -run '^$' -fuzz '^FuzzResponse$' -fuzztime 1m
package fuzz
