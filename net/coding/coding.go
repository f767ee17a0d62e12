// Package coding undoes the content codings of response bodies: gzip, deflate, br
// and zstd, as leniently as Chromium does.
//
// It owns the decoders and nothing else: what to accept is the caller's to say in
// Accept-Encoding, and the header fields stay as they are.
//
//	body, decoded, err := coding.Decode(resp.Body, resp.Header.Values("Content-Encoding"))
//
// What is let through, and what not:
//
//   - An unknown or empty coding anywhere in the list: nothing is decoded.
//   - Any coding: a body that ends too early gives what there is, without an error.
//   - gzip: checksum and length are not verified; whatever follows the first member
//     is dropped.
//   - deflate: the zlib format, its checksum not verified, or raw deflate; whatever
//     follows the end is dropped.
//   - br: whatever follows the end is dropped.
//   - zstd: several frames, windows of at most 8 MiB.
//
// There is no limit on how much comes out of how little: decoding streams, in
// memory that does not depend on the size of the body.
package coding

import (
	"io"
	"iter"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
)

// maxCodings is how many codings may be stacked on one body.
const maxCodings = 10

// Decode returns body with the codings undone that the values of Content-Encoding
// list, the last one first; see [Pool.Decode]. Its decoders are not kept for reuse.
func Decode(body io.ReadCloser, contentEncoding iter.Seq[string]) (rc io.ReadCloser, decoded bool, err error) {
	var p *Pool
	return p.Decode(body, contentEncoding)
}

// Decode returns body with the codings undone that the values of Content-Encoding
// list, the last one first. Without any, or with one that it does not know, it
// returns body itself and decoded false. The error, with the list too long, is
// [neterr.ContentDecodingInitFailed]; the body is then still the caller's to close.
//
// Reading the result fails with [neterr.ContentDecodingFailed] or
// [neterr.ZstdWindowSizeTooBig] if the bytes are not what they claim to be, and
// with body's own error if that fails. It ends when body does: a decoder that is
// done reads the rest, so that the connection below can be used again.
//
// Close closes body, and may be called while another goroutine reads.
func (p *Pool) Decode(body io.ReadCloser, contentEncoding iter.Seq[string]) (rc io.ReadCloser, decoded bool, err error) {
	var array [maxCodings]coding
	codings, err := parse(array[:0], contentEncoding)
	if len(codings) == 0 || err != nil {
		return body, false, err
	}
	return newReader(p, body, codings), true, nil
}

// A coding is one content coding, "x-gzip" being gzip.
type coding uint8

const (
	gzip coding = iota
	deflate
	br
	zstd
)

// parse appends the codings listed in values to list; none if one is not known.
func parse(list []coding, values iter.Seq[string]) ([]coding, error) {
	for value := range values {
		for name := range strings.SplitSeq(value, ",") {
			c, ok := lookup(strings.Trim(name, " \t"))
			if !ok {
				return nil, nil
			}
			if len(list) == maxCodings {
				return nil, &neterr.Error{Code: neterr.ContentDecodingInitFailed, Op: "decode"}
			}
			list = append(list, c)
		}
	}
	return list, nil
}

func lookup(name string) (c coding, ok bool) {
	switch {
	case strings.EqualFold(name, "gzip"), strings.EqualFold(name, "x-gzip"):
		return gzip, true
	case strings.EqualFold(name, "deflate"):
		return deflate, true
	case strings.EqualFold(name, "br"):
		return br, true
	case strings.EqualFold(name, "zstd"):
		return zstd, true
	}
	return 0, false
}
