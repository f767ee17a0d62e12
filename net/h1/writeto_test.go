package h1_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/h1"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// A limited takes so many bytes, and no more.
type limited struct {
	left int
	err  error
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(l.left, len(p))
	if l.left -= n; n < len(p) {
		return n, l.err
	}
	return n, nil
}

// TestBodyWriteTo: io.Copy gets what Read would give, and ends as that would.
func TestBodyWriteTo(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 20<<10)
	full := errors.New("full")
	whole := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(long)) + long
	tests := []struct {
		name, answer string
		to           io.Writer // what the body is written to; nil: something that takes all
		want         int64
		err          error
	}{
		{"of known length", whole, nil, int64(len(long)), nil},
		{"chunked", fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(long), long), nil, int64(len(long)), nil},
		{"cut", whole[:len(whole)-1], nil, int64(len(long)) - 1, neterr.ContentLengthMismatch},
		{"full", whole, &limited{100, full}, 100, full},
		{"short write", whole, &limited{100, nil}, 100, io.ErrShortWrite},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := nettest.NewServer(t, func(c *nettest.Conn) {
				c.ReadHead()
				c.Print(tt.answer)
			})
			resp, err := connect(t, srv, h1.Config{}).RoundTrip(t.Context(), get("/"))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var all strings.Builder
			to := tt.to
			if to == nil {
				to = &all
			}
			n, err := resp.Body.(io.WriterTo).WriteTo(to)
			if n != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %d bytes, %v, want %d, %v", n, err, tt.want, tt.err)
			}
			if tt.to == nil && all.String() != long[:tt.want] {
				t.Error("got another body")
			}
		})
	}
}
