package coding_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"slices"

	"github.com/kaon-net/kaon/net/coding"
)

func ExampleDecode() {
	var coded bytes.Buffer
	w := gzip.NewWriter(&coded)
	io.WriteString(w, "hello")
	w.Close()

	body, decoded, err := coding.Decode(io.NopCloser(&coded), slices.Values([]string{"gzip"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	fmt.Println(decoded, string(text), err)
	// Output: true hello <nil>
}
