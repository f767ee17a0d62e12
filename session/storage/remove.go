package storage

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
)

// ErrNoSession is the error for a directory in which no session has been kept.
var ErrNoSession = errors.New("it is not the directory of a session")

// Remove removes what a session that is closed has in its directory: the files of its
// Store and the folders of the kinds in reg; then the directory, if nothing else is in it.
// It leaves alone what is not a session's, and follows no links out of the directory.
func Remove(dir string, reg *Registry) error {
	switch err := removeSession(dir, reg); {
	case errors.Is(err, ErrInUse):
		return inUse(dir)
	case errors.Is(err, ErrNoSession):
		return &neterr.Error{Code: neterr.InvalidArgument, Op: "delete session", Addr: dir, Err: err}
	default:
		return neterr.FromOp("delete session", err)
	}
}

func removeSession(dir string, reg *Registry) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	lockPath := path.Join(networkDir, lockName)
	if info, err := root.Lstat(lockPath); err != nil || !info.Mode().IsRegular() {
		return ErrNoSession
	}
	lock, err := lockFile(filepath.Join(dir, networkDir, lockName))
	if err != nil {
		return err
	}
	err = removeFiles(root, reg)
	if closeErr := lock.Close(); err == nil {
		err = closeErr // before the file goes: Windows keeps what is open
	}
	if err == nil {
		err = root.Remove(lockPath)
	}
	if err != nil {
		return err
	}
	// What has something else in it stays.
	root.Remove(networkDir)
	os.Remove(dir)
	return nil
}

func removeFiles(root *os.Root, reg *Registry) error {
	files, err := fs.ReadDir(root.FS(), networkDir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.Name() == stateName || f.Name() == stateName+newSuffix || strings.HasPrefix(f.Name(), stateName+oldSuffix) {
			if err := root.Remove(path.Join(networkDir, f.Name())); err != nil {
				return err
			}
		}
	}
	for _, k := range reg.kinds {
		if k.Dir != "" {
			if err := root.RemoveAll(k.Dir); err != nil {
				return err
			}
		}
	}
	return nil
}
