package storage

import (
	"errors"
	"io/fs"
	"os"

	"github.com/kaon-net/kaon/net/neterr"
)

// ErrInUse is the error for a directory that another session has open, in this process or
// in another one.
var ErrInUse = errors.New("the directory is in use by another session or process")

// lockFile locks the file at path, which it makes, until it is closed. It does not wait.
func lockFile(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := tryLock(f); err != nil {
			f.Close()
			return nil, err
		}
		// Who had it before may have removed it meanwhile, and then it protects nothing.
		ours, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		switch there, err := os.Stat(path); {
		case err == nil && os.SameFile(ours, there):
			return f, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			f.Close()
			return nil, err
		}
		f.Close()
	}
}

func inUse(dir string) error {
	return &neterr.Error{Code: neterr.FileExists, Op: "open session", Addr: dir, Err: ErrInUse}
}
