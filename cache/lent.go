package cache

import (
	"io"

	"github.com/kaon-net/kaon/cache/store"
)

// A lent body is a part whose entry lends what it has, so that io.Copy need not copy it.
type lent part

var _ io.WriterTo = (*lent)(nil)

func (l *lent) Read(p []byte) (int, error) { return (*part)(l).Read(p) }
func (l *lent) Close() error               { return (*part)(l).Close() }

// WriteTo writes what is left of the body to w. What the entry does not have, or has
// damaged, goes through a buffer.
func (l *lent) WriteTo(w io.Writer) (written int64, err error) {
	b := (*part)(l)
	for {
		p, err := b.lend()
		switch {
		case err == io.EOF:
			return written, nil
		case err != nil:
			return written, err
		case p == nil:
			n, err := io.Copy(w, b)
			return written + n, err
		}
		n, err := w.Write(p)
		written += int64(n)
		b.skip(n)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
	}
}

// lend returns the next bytes, nil if the entry cannot lend them.
func (b *part) lend() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.err != nil:
		return nil, b.err
	case b.pos >= b.end:
		b.finish(io.EOF)
		return nil, io.EOF
	case b.entry == nil, b.net != nil, b.filling:
		return nil, nil
	}
	p, err := b.entry.(store.Lender).Lend(b.pos)
	if err != nil {
		return nil, nil // which Read deals with
	}
	p = p[:min(int64(len(p)), b.end-b.pos)]
	logRead(b.req.NetLog, len(p))
	return p, nil
}

// skip counts n bytes as read.
func (b *part) skip(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pos += int64(n)
}
