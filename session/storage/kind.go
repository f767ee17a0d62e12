package storage

import (
	"context"
	"iter"
)

// A Kind is one sort of data that a session has.
type Kind struct {
	Type DataType // what it is cleared by; no two kinds have the same

	// Clear forgets what is selected. Others may use the data meanwhile.
	Clear func(context.Context, Selection) error

	// Records keeps the kind in the session's Store; nil: it is not kept there.
	Records Records

	// Dir is a folder of the kind's own in the session's directory, which Remove
	// removes with all that is in it; empty: there is none.
	Dir string
}

// Records are what a Kind has in a Store, as pairs of a key and a value: the shorter the
// values, the less is written for a change. The Store adds checksums.
type Records interface {
	// Restore takes back what was kept. It is called once, before the other methods.
	// Keys and values are the Store's and must not be changed or retained.
	Restore(iter.Seq2[string, []byte]) Restored

	// Watch has changed called whenever there is something to write, soon if that must
	// not wait for long. It is called with no lock held and returns at once.
	Watch(changed func(soon bool)) (stop func())

	// Changes returns what to write since it was last called, nil for a record that is
	// gone; or, with all set, every record there is. It is not called twice at once.
	Changes(all bool) map[string][]byte
}

// Restored tells what became of the records that a Kind was given.
type Restored struct {
	Lost   int   // not understood: forgotten
	Locked int   // sealed with a key that is not there: kept, but not restored
	Anew   bool  // the file is to be written anew, so that nothing of it remains
	Err    error // why nothing of the kind can be written
}
