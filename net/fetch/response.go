package fetch

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
)

// A Response is what a fetch came to. The caller reads Body to its end or closes it;
// Bytes, Text and JSON do.
type Response struct {
	Status        int    // as 200
	StatusText    string // as "OK"; empty over HTTP/2 and 3
	Proto         string // as "HTTP/1.1"
	Header        exchange.Fields
	Body          io.ReadCloser          // decoded
	ContentLength int64                  // of Body; -1 is unknown
	Trailer       func() exchange.Fields // valid once Body ended; nil has none

	URL        string   // where it came from after all redirects, with fragment
	URLList    []string // every URL on the way, URL last
	Redirected bool     // there was more than one

	Info *exchange.Info // how it was obtained

	maxBody int64
}

// OK reports whether the status says success: 200 to 299.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status <= 299 }

// Bytes reads the whole Body and closes it. A body of more than Config.MaxBody bytes
// is [neterr.InsufficientResources].
func (r *Response) Bytes() ([]byte, error) {
	defer r.Body.Close()
	if r.maxBody < 0 {
		return io.ReadAll(r.Body)
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, r.maxBody))
	if err != nil || int64(len(b)) < r.maxBody {
		return b, err
	}
	var more [1]byte
	switch _, err := io.ReadFull(r.Body, more[:]); {
	case err == io.EOF:
		return b, nil
	case err != nil:
		return nil, err
	}
	return nil, &neterr.Error{Code: neterr.InsufficientResources, Op: "read body", Err: errBodySize}
}

var errBodySize = errors.New("body is larger than Config.MaxBody")

// Text is [Response.Bytes] as a string. The bytes are taken for UTF-8 as they are.
func (r *Response) Text() (string, error) {
	b, err := r.Bytes()
	return string(b), err
}

// JSON reads the whole Body as [Response.Bytes] does and unmarshals it into v.
func (r *Response) JSON(v any) error {
	b, err := r.Bytes()
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

func (c *chain) response(r *exchange.Response) *Response {
	return &Response{
		Status: r.Status, StatusText: r.StatusText, Proto: r.Proto, Header: r.Header,
		Body: r.Body, ContentLength: r.ContentLength, Trailer: r.Trailer,
		URL: c.target.href, URLList: c.urls, Redirected: len(c.urls) > 1,
		Info: &r.Info, maxBody: c.f.maxBody,
	}
}
