package h2_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/neterr"
)

// writeTo has io.Copy write k's body to w, and w alone: it is no io.ReaderFrom.
func (k *call) writeTo(w io.Writer) (n int64, err error) {
	k.t.Helper()
	b := k.response().Body
	if _, ok := b.(io.WriterTo); !ok {
		k.t.Fatalf("the body is a %T, no io.WriterTo", b)
	}
	return io.Copy(struct{ io.Writer }{w}, b)
}

// TestWriteTo: a body is written as it comes, in its order, and the peer may send more.
func TestWriteTo(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		k := p.get(1)
		p.headers(1, false, ":status", "200")
		p.data(1, false, "one ")
		var got bytes.Buffer
		written := make(chan error)
		go func() {
			_, err := k.writeTo(&got)
			written <- err
		}()
		synctest.Wait()
		if got.String() != "one " {
			t.Fatalf("got %q before more came", got.String())
		}
		n := 3 * mib / len(frame) // half the window
		for range n {
			p.data(1, false, frame)
			synctest.Wait()
		}
		want := "one " + strings.Repeat(frame, n)
		p.wantUpdate(1, uint32(len(want)))
		p.data(1, true, "end")
		if err := <-written; err != nil || got.String() != want+"end" {
			t.Errorf("%d bytes, %v; want %d", got.Len(), err, len(want)+3)
		}
		if n := k.resp.Info.WireRead; n < int64(got.Len()) {
			t.Errorf("WireRead %d", n)
		}
		if n, err := k.writeTo(&got); n != 0 || err != nil {
			t.Errorf("once more: %d, %v", n, err)
		}
		p.working(3)
		p.wantSlots(0, 100)
	})
}

// A writerFunc is an io.Writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

var errFull = errors.New("disk full")

func TestWriteToFails(t *testing.T) {
	type writer func(t *testing.T, p *peer, k *call) io.Writer
	tests := []struct {
		name string
		to   writer
		n    int64
		want error
		rst  http2.ErrCode // of the Close that follows; ErrCodeNo is none
	}{
		{"writer", func(*testing.T, *peer, *call) io.Writer {
			return writerFunc(func(p []byte) (int, error) { return 2, errFull })
		}, 2, errFull, http2.ErrCodeCancel},
		{"short write", func(*testing.T, *peer, *call) io.Writer {
			return writerFunc(func(p []byte) (int, error) { return 1, nil })
		}, 1, io.ErrShortWrite, http2.ErrCodeCancel},
		{"closed meanwhile", func(_ *testing.T, _ *peer, k *call) io.Writer {
			return writerFunc(func(p []byte) (int, error) { return len(p), k.resp.Body.Close() })
		}, 4, http.ErrBodyReadAfterClose, http2.ErrCodeCancel},
		{"canceled meanwhile", func(_ *testing.T, _ *peer, k *call) io.Writer {
			return writerFunc(func(p []byte) (int, error) { k.cancel(); return len(p), nil })
		}, 4, neterr.Aborted, http2.ErrCodeCancel},
		{"reset by the peer", func(_ *testing.T, p *peer, _ *call) io.Writer {
			return writerFunc(func(b []byte) (int, error) {
				p.fr.WriteRSTStream(1, http2.ErrCodeInternal)
				return len(b), nil
			})
		}, 4, neterr.HTTP2ProtocolError, http2.ErrCodeNo},
		{"shorter than promised", func(_ *testing.T, p *peer, _ *call) io.Writer {
			return writerFunc(func(b []byte) (int, error) {
				p.data(1, true, "")
				return len(b), nil
			})
		}, 4, neterr.ContentLengthMismatch, http2.ErrCodeNo},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, p *peer) {
				k := p.get(1)
				p.headers(1, false, ":status", "200", "content-length", "9")
				p.data(1, false, "some")
				k.response()
				n, err := k.writeTo(tt.to(t, p, k))
				if n != tt.n || !errors.Is(err, tt.want) {
					t.Errorf("got %d, %v; want %d, %v", n, err, tt.n, tt.want)
				}
				k.resp.Body.Close()
				if tt.rst != http2.ErrCodeNo {
					p.wantReset(1, tt.rst)
				}
				p.wantSlots(0, 100)
				p.working(3)
			})
		})
	}
}

// TestWriteToReads: what Read left is written.
func TestWriteToReads(t *testing.T) {
	inBubble(t, func(t *testing.T, p *peer) {
		k := p.get(1)
		p.headers(1, false, ":status", "200")
		p.data(1, true, "onetwo")
		var head [3]byte
		if _, err := io.ReadFull(k.response().Body, head[:]); err != nil {
			t.Fatal(err)
		}
		var rest strings.Builder
		if n, err := k.writeTo(&rest); string(head[:])+rest.String() != "onetwo" || n != 3 || err != nil {
			t.Errorf("got %q and %q, %d, %v", head, rest.String(), n, err)
		}
	})
}
