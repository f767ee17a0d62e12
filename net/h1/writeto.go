package h1

import "io"

var _ io.WriterTo = (*body)(nil)

// WriteTo reads the body and writes it to w. It asks the socket for more at once than
// io.Copy would, which a fast peer has ready.
func (b *body) WriteTo(w io.Writer) (written int64, err error) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := b.Read(buf[:])
		if n > 0 {
			m, werr := w.Write(buf[:n])
			written += int64(m)
			if werr == nil && m < n {
				werr = io.ErrShortWrite
			}
			if werr != nil {
				return written, werr
			}
		}
		switch {
		case err == io.EOF:
			return written, nil
		case err != nil:
			return written, err
		}
	}
}
