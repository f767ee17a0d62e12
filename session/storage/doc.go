// Package storage is the room for what a session remembers: it keeps cookies, HSTS,
// Alt-Svc and the host cache on disk, and clears what a program wants forgotten.
//
// Each sort of data is a [Kind]. A [Registry] has those of a session and clears them by
// Electron's names and scope; a [Store] keeps the ones that have [Records] in a directory.
// A later kind, as the HTTP cache, joins by being registered.
//
//	cookies, err := storage.CookieKind(jar, storage.CookieOptions{})
//	if err != nil { … }
//	reg := storage.NewRegistry(cookies, storage.HSTSKind(hsts))
//	store, err := storage.Open(storage.Config{Dir: dir, Registry: reg})
//	if err != nil { … } // errors.Is(err, storage.ErrInUse): someone else has dir
//	defer store.Close(ctx)
//
// # On disk
//
// All is in the directory's folder Network: LOCK, whose lock one store holds from Open to
// Close, and state.db, which is there once there is something to keep. That one is a bbolt
// file with one bucket, named by the version of the format. A record in it has the key
//
//	kind 0x00 key
//
// and a value that ends with a CRC-32C of both: a byte that goes bad loses one record.
// Changes are written as such, in one transaction for all kinds. What is cleared, newly
// encrypted or of an older format has the file written anew beside itself and renamed, so
// that nothing of the old remains in free pages. A file that is damaged, or that a later
// version wrote, is set aside as state.db.damaged-TIME with a warning.
package storage
