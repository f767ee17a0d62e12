package message_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/internal/message"
	"github.com/kaon-net/kaon/net/neterr"
)

// A counted body counts how often it is closed.
type counted struct {
	io.Reader
	closed int
}

func (c *counted) Close() error { c.closed++; return nil }

func upload(r io.Reader, length int64) (*message.Upload, *counted) {
	body := &counted{Reader: r}
	u := new(message.Upload)
	u.Init(&exchange.Request{Body: body, ContentLength: length})
	return u, body
}

func TestCopy(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name   string
		body   io.Reader
		length int64
		want   string // each piece, a dot behind the last
		err    error
	}{
		{"end foreseen", strings.NewReader("abcdef"), 6, "abcd ef.", nil},
		{"end not foreseen", strings.NewReader("abcdef"), -1, "abcd ef .", nil},
		{"end with the last bytes", iotest.DataErrReader(strings.NewReader("ab")), -1, "ab.", nil},
		{"empty", strings.NewReader(""), -1, ".", nil},
		{"less", strings.NewReader("ab"), 3, "ab", neterr.InvalidArgument},
		{"more in the last piece", strings.NewReader("abc"), 2, "", neterr.InvalidArgument},
		{"more after it", strings.NewReader("abcdef"), 4, "", neterr.InvalidArgument},
		{"broken", io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(broken)), -1, "ab", broken},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, _ := upload(tt.body, tt.length)
			buf := make([]byte, 4)
			var got []string
			err := u.Copy(buf, func(n int, last bool) error {
				s := string(buf[:n])
				if last {
					s += "."
				}
				got = append(got, s)
				return nil
			})
			if s := strings.Join(got, " "); s != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v; want %q, %v", s, err, tt.want, tt.err)
			}
		})
	}
	u, _ := upload(strings.NewReader("abcdef"), -1)
	if err := u.Copy(make([]byte, 4), func(int, bool) error { return broken }); err != broken {
		t.Errorf("send failed: got %v", err)
	}
}

func TestReadWhole(t *testing.T) {
	tests := []struct {
		name string
		body io.Reader
		want error
	}{
		{"just right", strings.NewReader("abc"), nil},
		{"less", strings.NewReader("ab"), neterr.InvalidArgument},
		{"nothing", strings.NewReader(""), neterr.InvalidArgument},
		{"more", strings.NewReader("abcd"), neterr.InvalidArgument},
		{"broken", iotest.ErrReader(neterr.FileNotFound), neterr.FileNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u, body := upload(tt.body, 3)
			buf := make([]byte, 3)
			err := u.ReadWhole(buf)
			if !errors.Is(err, tt.want) || err == nil && string(buf) != "abc" {
				t.Errorf("got %q, %v; want %v", buf, err, tt.want)
			}
			if u.Close(); body.closed != 1 {
				t.Errorf("closed %d times", body.closed)
			}
		})
	}
}

func TestIsSmall(t *testing.T) {
	in := func(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
	tests := []struct {
		name string
		req  exchange.Request
		want bool
	}{
		{"small", exchange.Request{Body: in("abc"), ContentLength: 3}, true},
		{"large", exchange.Request{Body: in("abcd"), ContentLength: 4}, false},
		{"unknown", exchange.Request{Body: in("abc"), ContentLength: -1}, false},
		{"may block", exchange.Request{Body: io.NopCloser(io.MultiReader(in("abc"))), ContentLength: 3}, false},
		{"trailer", exchange.Request{Body: in("abc"), ContentLength: 3, Trailer: func() exchange.Fields { return nil }}, false},
		{"waits", exchange.Request{Body: in("abc"), ContentLength: 3, Header: exchange.FieldsOf("Expect", "100-continue")}, false},
	}
	for _, tt := range tests {
		var u message.Upload
		u.Init(&tt.req)
		if got := u.IsSmall(3); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

// TestAwaitContinue: what lets a body go that is held back.
func TestAwaitContinue(t *testing.T) {
	tests := []struct {
		name   string
		expect bool
		free   func(u *message.Upload, over chan struct{})
		want   time.Duration
	}{
		{"nobody waits", false, func(*message.Upload, chan struct{}) {}, 0},
		{"100", true, func(u *message.Upload, _ chan struct{}) { u.Continue(); u.Continue() }, 0},
		{"over", true, func(_ *message.Upload, over chan struct{}) { close(over) }, 0},
		{"nothing", true, func(*message.Upload, chan struct{}) {}, exchange.ContinueTimeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				req := &exchange.Request{Body: io.NopCloser(strings.NewReader("x")), ContentLength: 1}
				if tt.expect {
					req.Header = exchange.FieldsOf("Expect", "100-continue")
				}
				var u message.Upload
				u.Init(req)
				over := make(chan struct{})
				tt.free(&u, over)
				start := time.Now()
				u.AwaitContinue(over)
				if got := time.Since(start); got != tt.want {
					t.Errorf("waited %v, want %v", got, tt.want)
				}
			})
		})
	}
}

func TestTrailer(t *testing.T) {
	var u message.Upload
	u.Init(&exchange.Request{Body: io.NopCloser(strings.NewReader("")), Trailer: func() exchange.Fields {
		return exchange.FieldsOf("X-Sum", "1", "Host", "a", "Content-Length", "1", ":path", "/", "bad name", "x", "X-Bad", "a\nb")
	}})
	if got, want := u.Trailer(), exchange.FieldsOf("X-Sum", "1"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", fmt.Sprint(got), fmt.Sprint(want))
	}
}
