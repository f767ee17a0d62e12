package fetch

import (
	"bytes"
	"io"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
)

// An upload is a request body over the hops of a fetch.
type upload struct {
	next   io.ReadCloser // for the coming hop; nil if it has to be made
	again  func() (io.ReadCloser, error)
	length int64
	none   bool
}

func newUpload(in *Init) upload {
	u := upload{again: in.GetBody, length: -1}
	var known func() io.Reader
	switch b := in.Body.(type) {
	case nil:
		return upload{none: true}
	case *bytes.Buffer:
		data := b.Bytes()
		u.length, known = int64(len(data)), func() io.Reader { return bytes.NewReader(data) }
	case *bytes.Reader:
		start := *b
		u.length, known = int64(b.Len()), func() io.Reader { r := start; return &r }
	case *strings.Reader:
		start := *b
		u.length, known = int64(b.Len()), func() io.Reader { r := start; return &r }
	}
	if known != nil && u.again == nil {
		u.again = func() (io.ReadCloser, error) { return io.NopCloser(known()), nil }
	}
	if in.ContentLength > 0 {
		u.length = in.ContentLength
	} else if in.ContentLength < 0 {
		u.length = -1
	}
	if rc, ok := in.Body.(io.ReadCloser); ok {
		u.next = rc
	} else {
		u.next = io.NopCloser(in.Body)
	}
	if u.length == 0 {
		u.close()
		return upload{none: true}
	}
	return u
}

// take returns the body for one hop, whose receiver closes it; nil if there is none.
func (u *upload) take() (io.ReadCloser, error) {
	if u.none {
		return nil, nil
	}
	if b := u.next; b != nil {
		u.next = nil
		return b, nil
	}
	if u.again == nil {
		return nil, &neterr.Error{Code: neterr.UploadStreamRewindNotSupported, Op: "redirect"}
	}
	b, err := u.again()
	if err != nil {
		return nil, neterr.FromOp("rewind upload", err)
	}
	return b, nil
}

// giveBack takes back what take returned, of which nothing was read.
func (u *upload) giveBack(b io.ReadCloser) {
	if b != nil {
		u.next = b
	}
}

// close closes a body that was not taken.
func (u *upload) close() {
	if u.next != nil {
		u.next.Close()
		u.next = nil
	}
}
