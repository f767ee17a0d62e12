package netlog

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// A memStore keeps the parts in memory until the end, for a writer that cannot be
// rewound.
type memStore struct{ w io.Writer }

func (s memStore) begin([]byte) error         { return nil }
func (s memStore) newPart(int) (part, error)  { return new(memPart), nil }
func (s memStore) result() (io.Writer, error) { return s.w, nil }
func (s memStore) finish(tail []byte) error   { return writeAll(s.w, tail) }
func (s memStore) abort()                     {}

type memPart struct{ bytes.Buffer }

func (p *memPart) clear() error                      { p.Reset(); return nil }
func (p *memPart) copyTo(w io.Writer, n int64) error { return writeAll(w, p.Bytes()[:n]) }

// A dirStore keeps the parts as files in a directory beside the final file, under
// Chromium's names, so that a killed process leaves something to join by hand.
type dirStore struct {
	f     *os.File
	dir   string
	parts []*os.File
}

func (s *dirStore) begin(head []byte) error {
	if err := os.Mkdir(s.dir, 0o700); err != nil && !os.IsExist(err) {
		return err
	}
	for i := range ringParts { // left by a process that was killed
		if err := os.Remove(s.partName(i)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	if err := os.WriteFile(s.headName(), head, 0o600); err != nil {
		return err
	}
	return writeAll(s.f, []byte("This log is being recorded in "+filepath.Base(s.dir)+" and is put together when it stops.\n"))
}

func (s *dirStore) headName() string { return filepath.Join(s.dir, "constants.json") }

func (s *dirStore) partName(i int) string {
	return filepath.Join(s.dir, "event_file_"+strconv.Itoa(i)+".json")
}

func (s *dirStore) newPart(i int) (part, error) {
	f, err := createFile(s.partName(i))
	if err != nil {
		return nil, err
	}
	s.parts = append(s.parts, f)
	return &filePart{f}, nil
}

func (s *dirStore) result() (io.Writer, error) {
	p := filePart{s.f}
	return s.f, p.clear()
}

func (s *dirStore) finish(tail []byte) error {
	if err := writeAll(s.f, tail); err != nil {
		s.abort()
		return err
	}
	err := s.f.Close()
	s.closeParts()
	if err != nil {
		return err // the parts stay: the file may lack something
	}
	for i := range s.parts {
		os.Remove(s.partName(i))
	}
	os.Remove(s.headName())
	os.Remove(s.dir) // stays if there is something of somebody else's in it
	return nil
}

func (s *dirStore) abort() {
	s.f.Close()
	s.closeParts()
}

func (s *dirStore) closeParts() {
	for _, f := range s.parts {
		f.Close()
	}
}

// createFile opens an empty file. What is in a log is nobody else's business.
func createFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
}

type filePart struct{ *os.File }

func (p *filePart) clear() error {
	if err := p.Truncate(0); err != nil {
		return err
	}
	_, err := p.Seek(0, io.SeekStart)
	return err
}

func (p *filePart) copyTo(w io.Writer, n int64) error {
	if _, err := p.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(w, p.File, n)
	return err
}
