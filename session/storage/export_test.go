package storage

import "path/filepath"

// StateFile is where the records of a session in dir are.
func StateFile(dir string) string { return filepath.Join(dir, networkDir, stateName) }

// ReadBuckets is how a file of bbolt's is read.
var ReadBuckets = readBuckets
