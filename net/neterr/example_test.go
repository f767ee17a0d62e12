package neterr_test

import (
	"errors"
	"fmt"
	"io"

	"github.com/kaon-net/kaon/net/neterr"
)

func Example() {
	err := fmt.Errorf("loading the list: %w", &neterr.Error{
		Code: neterr.ContentLengthMismatch, Op: "read", Addr: "example.com", Err: io.ErrUnexpectedEOF,
	})
	fmt.Println(errors.Is(err, neterr.ContentLengthMismatch), errors.Is(err, io.ErrUnexpectedEOF))
	fmt.Println(int(neterr.CodeOf(err)), neterr.CodeOf(err).Name())
	// Output:
	// true true
	// -354 ERR_CONTENT_LENGTH_MISMATCH
}
