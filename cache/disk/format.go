package disk

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
)

// version is that of the format of all files.
const version = 1

// The names of the files. Nothing else in the directory is ours.
const (
	lockName   = "lock.kaon"
	formatName = "format.kaon"
	indexName  = "index.kaon"
	bodiesName = "bodies.kaon" // the folder of the body files
	newSuffix  = ".new"        // of a file that is not whole yet
)

func segmentName(id uint32) string { return fmt.Sprintf("log-%08x.kaon", id) }

// segmentID returns the number of the segment that is called name.
func segmentID(name string) (uint32, bool) {
	if len(name) != 17 {
		return 0, false
	}
	id, err := strconv.ParseUint(name[4:12], 16, 32)
	return uint32(id), err == nil && id > 0 && name == segmentName(uint32(id))
}

// Every file but bodies begins with a header: what it is, the version, a number, the
// store's secret, and a checksum.
const fileHeaderSize = 40

const (
	magicFormat  = "kaonform"
	magicSegment = "kaon log"
	magicIndex   = "kaonindx"
)

func fileHeader(magic string, id uint32, s *secret) []byte {
	b := append(make([]byte, 0, fileHeaderSize), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = append(b, s[:]...)
	b = binary.LittleEndian.AppendUint32(b, checksum(b))
	return append(b, 0, 0, 0, 0)
}

var (
	errForeign = errors.New("another version wrote it")
	errLost    = errors.New("what it was written with is lost")
)

// parseFileHeader returns errDamaged for what is none, and errForeign for what another
// version wrote.
func parseFileHeader(b []byte, magic string) (id uint32, s secret, err error) {
	le := binary.LittleEndian
	if len(b) < fileHeaderSize || string(b[:8]) != magic || le.Uint32(b[32:]) != checksum(b[:32]) {
		return 0, s, errDamaged
	}
	if le.Uint32(b[8:]) != version {
		return 0, s, errForeign
	}
	return le.Uint32(b[12:]), secret(b[16:32]), nil
}

// readFileHeader reads that of a file.
func readFileHeader(fs fileSystem, name, magic string) (id uint32, s secret, err error) {
	f, err := fs.Open(name)
	if err != nil {
		return 0, s, err
	}
	defer f.Close()
	b := make([]byte, fileHeaderSize)
	if n, err := f.ReadAt(b, 0); n < len(b) && !isEOF(err) {
		return 0, s, err
	}
	return parseFileHeader(b, magic)
}

// findSecret returns the secret of the store in dir: the format file has it, and every
// segment. The error is errForeign for a store of another version, and errLost if there
// are segments and nobody knows it. fresh means that there is no store.
func findSecret(fs fileSystem, dir string, segments []uint32) (s secret, fresh bool, err error) {
	_, s, err = readFileHeader(fs, filepath.Join(dir, formatName), magicFormat)
	if err == nil || errors.Is(err, errForeign) {
		return s, false, err
	}
	for _, id := range segments {
		_, s, err := readFileHeader(fs, filepath.Join(dir, segmentName(id)), magicSegment)
		if errors.Is(err, errForeign) {
			return s, false, err
		}
		if err == nil {
			return s, false, writeFormat(fs, dir, &s)
		}
	}
	if len(segments) > 0 {
		return s, false, errLost
	}
	return s, true, nil
}

// newSecret makes a store of dir.
func newSecret(fs fileSystem, dir string) (s secret, err error) {
	rand.Read(s[:])
	return s, writeFormat(fs, dir, &s)
}

func writeFormat(fs fileSystem, dir string, s *secret) error {
	return replaceFile(fs, dir, formatName, func(f file) error {
		_, err := f.WriteAt(fileHeader(magicFormat, 0, s), 0)
		return err
	})
}

// replaceFile gives a file another content, at once and durably.
func replaceFile(fs fileSystem, dir, name string, write func(file) error) error {
	name = filepath.Join(dir, name)
	part := name + newSuffix
	fs.Remove(part) // what a crash left
	f, err := fs.Create(part)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = fs.Rename(part, name)
	}
	if err != nil {
		fs.Remove(part)
		return err
	}
	return fs.SyncDir(dir)
}

// removeAll deletes the files of a store, but for the lock.
func removeAll(fs fileSystem, dir string, segments []uint32) error {
	names := []string{indexName, indexName + newSuffix, formatName + newSuffix}
	for _, id := range segments {
		names = append(names, segmentName(id))
	}
	bodies, _ := fs.List(filepath.Join(dir, bodiesName))
	for _, name := range bodies {
		if _, ok := parseBodyName(name); ok {
			names = append(names, filepath.Join(bodiesName, name))
		}
	}
	names = append(names, formatName) // last: until then it says whose the others are
	var errs []error
	for _, name := range names {
		if err := fs.Remove(filepath.Join(dir, name)); err != nil && !isNotExist(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
