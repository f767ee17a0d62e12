//go:build !unix

package disk

// SyncDir has nothing to do: directories cannot be synced here.
func (osFS) SyncDir(string) error { return nil }
