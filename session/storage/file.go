package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// The files of a session, in its directory's folder networkDir.
const (
	networkDir = "Network"
	lockName   = "LOCK"
	stateName  = "state.db"
	newSuffix  = ".new"
	oldSuffix  = ".damaged-" // and when it was found to be
)

// The format, which the only bucket of a file is named by.
const (
	formatName    = "kaon "
	formatVersion = 1
)

// errLater is of a file that a later version wrote.
var errLater = errors.New("written by a later version")

// isUnreadable reports whether err is about the contents of a file, not about the disk.
func isUnreadable(err error) bool { return errors.Is(err, errDamaged) || errors.Is(err, errLater) }

// A file is where the records of a session are. It is open only while it is used.
type file struct {
	path string
}

// A stored is a record as a kind has it.
type stored struct {
	key   string
	value []byte
}

// read returns the records by kind, and how many there are besides that went bad. Without
// a file there are none.
func (f file) read() (records map[DataType][]stored, lost int, err error) {
	b, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return parse(b)
}

// parse reads the contents of a file.
func parse(b []byte) (records map[DataType][]stored, lost int, err error) {
	records = make(map[DataType][]stored)
	formats := 0
	err = readBuckets(b, func(name string) error {
		formats++
		return checkFormat(name)
	}, func(key, value []byte) {
		name := string(key)
		t, rest, ok := splitRecordKey(name)
		value, whole := openRecord(name, value)
		if !ok || !whole {
			lost++
			return
		}
		records[t] = append(records[t], stored{rest, value})
	})
	if err != nil {
		return nil, 0, err
	}
	if formats != 1 {
		return nil, 0, damaged("it has %d buckets", formats)
	}
	return records, lost, nil
}

// checkFormat is where another version's records would be turned into this one's.
func checkFormat(bucket string) error {
	number, ours := strings.CutPrefix(bucket, formatName)
	version, err := strconv.Atoi(number)
	switch {
	case !ours || err != nil || version < 1:
		return damaged("it is not a session's")
	case version > formatVersion:
		return fmt.Errorf("%w: format %d", errLater, version)
	}
	return nil
}

// update writes changes into the file in one transaction. The error is fs.ErrNotExist
// without a file.
func (f file) update(changes map[string][]byte) error {
	if len(changes) == 0 {
		return nil
	}
	b, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	if _, _, err := parse(b); err != nil {
		return err
	}
	return transact(f.path, changes)
}

// replace writes a file of these records alone in place of the one there is. Without any
// there is no file afterwards.
func (f file) replace(records map[string][]byte) error {
	maps.DeleteFunc(records, func(_ string, value []byte) bool { return value == nil })
	next := f.path + newSuffix
	if err := remove(next); err != nil {
		return err
	}
	if len(records) == 0 {
		return remove(f.path)
	}
	err := transact(next, records)
	if err == nil {
		err = os.Rename(next, f.path)
	}
	if err != nil {
		return errors.Join(err, remove(next))
	}
	return syncDir(filepath.Dir(f.path))
}

func remove(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// transact has bbolt write. Its file is sound, since it has been read before: what still
// goes wrong in bbolt, which panics, is what happens to the file meanwhile.
func transact(path string, changes map[string][]byte) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // the file is memory
	defer func() {
		if r := recover(); r != nil {
			err = damaged("bbolt: %v", r)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        time.Second, // somebody looks at the file with bbolt's own tool
		NoFreelistSync: true,        // one thing less to go bad
		NoStatistics:   true,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Update(func(tx *bbolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists(fmt.Append(nil, formatName, formatVersion))
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(changes)) {
			name, value := []byte(key), changes[key]
			if value == nil {
				err = bucket.Delete(name)
			} else {
				err = bucket.Put(name, appendRecord(make([]byte, 0, len(value)+checksumSize), key, value))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// setAside renames the file, and returns what it is called then.
func (f file) setAside() (to string, err error) {
	stamp := f.path + oldSuffix + time.Now().UTC().Format("20060102-150405")
	for i := 0; ; i++ {
		to = stamp
		if i > 0 {
			to += "-" + strconv.Itoa(i)
		}
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return to, os.Rename(f.path, to)
		} else if err != nil {
			return "", err
		}
	}
}
