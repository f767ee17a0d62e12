package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// An output is where a body goes. A file gets it under a name beside its own,
// ending in .part, and its own name once the body is whole: half a download never
// looks like a whole one, and what stood under the name before stays until then.
type output struct {
	io.Writer
	file *os.File // nil if Writer is not ours to close
	part string   // the name until commit; empty if there is no renaming
	name string
}

// openOutput opens the file called name; "" and "-" are stdout. The caller owes a
// commit or a discard.
func openOutput(name string, stdout io.Writer) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: stdout}, nil
	}
	mode := fs.FileMode(0o666)
	// Whatever is not to be written to, such as a folder, fails here.
	switch old, err := os.OpenFile(name, os.O_WRONLY, 0); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		st, err := old.Stat()
		if err == nil && !st.Mode().IsRegular() {
			return &output{Writer: old, file: old}, nil // a device or pipe is written to, not replaced
		}
		old.Close()
		if err != nil {
			return nil, err
		}
		mode = st.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil { // the link stays, its target is replaced
			return nil, err
		}
	}
	part := fmt.Sprintf("%s.%08x.part", name, rand.Uint32())
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return &output{Writer: f, file: f, part: part, name: name}, nil
}

// commit gives the file its name: the body is whole.
func (o *output) commit() error {
	f := o.file
	if f == nil {
		return nil
	}
	o.file = nil
	err := f.Close()
	if o.part == "" {
		return err
	}
	if err == nil {
		err = os.Rename(o.part, o.name)
	}
	if err != nil {
		os.Remove(o.part)
	}
	return err
}

// discard removes what there is of the body. After commit it does nothing.
func (o *output) discard() {
	if o.file == nil {
		return
	}
	o.file.Close()
	if o.part != "" {
		os.Remove(o.part)
	}
	o.file = nil
}
