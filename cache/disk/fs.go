package disk

import (
	"io"
	iofs "io/fs"
	"os"
)

// A fileSystem is what the package needs of one. Tests have another that loses what was
// not synced and fails when told to.
type fileSystem interface {
	MkdirAll(dir string) error
	List(dir string) (names []string, err error)
	Create(name string) (file, error) // for reading and writing; fails if it is there
	Open(name string) (file, error)   // for reading and writing; fails if it is not there
	Rename(from, to string) error     // replaces to
	Remove(name string) error
	SyncDir(dir string) error // makes durable which names are there

	// Lock takes a lock on a file, which is made if need be, until it is closed or the
	// process ends. It fails with errLocked if somebody has it.
	Lock(name string) (io.Closer, error)

	// Free is how many bytes are free for us on the disk that has dir.
	Free(dir string) (int64, error)
}

// A file is one that is open. All its methods may be called at once; after Close they
// fail with os.ErrClosed.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
	Truncate(size int64) error
	Size() (int64, error)
}

// osFS is the operating system's.
type osFS struct{}

func (osFS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

func (osFS) List(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func (osFS) Create(name string) (file, error) {
	return openFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

func (osFS) Open(name string) (file, error) { return openFile(name, os.O_RDWR) }

func openFile(name string, flag int) (file, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }
func (osFS) Remove(name string) error     { return os.Remove(name) }

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !st.Mode().IsRegular() {
		return 0, &iofs.PathError{Op: "open", Path: f.Name(), Err: iofs.ErrInvalid}
	}
	return st.Size(), nil
}
