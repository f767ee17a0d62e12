package h1

import "io"

var _ io.WriterTo = (*body)(nil)

// WriteTo reads the body and writes it to w. It asks the socket for more at once than
// io.Copy would, which a fast peer has ready.
func (b *body) WriteTo(w io.Writer) (int64, error) {
	buf := copyBuffers.Get().(*[copyBuffer]byte)
	defer copyBuffers.Put(buf)
	// Bare, so that neither end has a way of its own round the buffer.
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{b}, buf[:])
}
