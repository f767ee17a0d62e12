package sysconf

import (
	"io"
	"os"

	"github.com/kaon-net/kaon/net/neterr"
)

// read returns what is in the file at path, of at most limit bytes. Who opens a pipe
// waits for a writer, so only regular files are.
func read(op, path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, neterr.FromOp(op, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &neterr.Error{Code: neterr.InvalidArgument, Op: op, Addr: path}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, neterr.FromOp(op, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, neterr.FromOp(op, err)
	}
	if int64(len(text)) > limit {
		return nil, &neterr.Error{Code: neterr.FileTooBig, Op: op, Addr: path}
	}
	return text, nil
}
