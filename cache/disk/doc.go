// Package disk keeps a cache's entries in a directory: a [store.Store] that survives
// its process, killed or not, and any damage to its files.
//
// It owns one directory, which one process has open at a time, and needs nothing else:
//
//	s, err := disk.Open(disk.Config{Dir: "/var/cache/app"})
//	if err != nil { … }
//	defer s.Close()
//
// # Files
//
// What is stored is a log of records in segment files. A record has an entry's key and
// head, and the body if that is small; a larger body has a file of its own. Nothing that
// an entry has is ever written over: each commit appends a record, each deletion a note of
// it, and a body file only grows. So what was committed stays until what replaces it is
// there, and a record that is torn or damaged is known by its checksum and left out. The
// bytes of a body file have checksums for every 64 KiB, which are in the record.
//
// The files of bodies that were evicted or replaced are written over by the next ones,
// once the log is durable that says that no entry has them. Up to 64 bodies at a time are
// written in pieces of 256 KiB, which are in memory until then.
//
// Records are found by a hash of their key. In memory there is only the index, of 32
// bytes for each entry and room to grow. Closing writes it down; after a crash it is made
// from the log again, the newest first and in the background: what is not found yet is a
// miss. An entry that is found is the last one under its key.
//
// Nothing else than files of the names the package gives is read or deleted.
//
// # What survives
//
// A commit survives the end of the process. It survives a loss of power once Flush or
// Close has returned; before that the store may come back as it was at any time since.
// What is damaged on the disk is a miss, and costs nothing but the entry it belongs to.
//
// # Size
//
// Entries are evicted as in Chromium: when they take more than 95 % of the limit, those
// with the largest product of the time since their last use and their size go until it is
// 90 %. Entries and the files that wait for other bodies take no more than the limit.
// What is deleted stays in its segment until the live records in it have been
// copied to the end of the log, which begins when an eighth of the limit is dead: the
// directory can be that much larger than the limit.
package disk
