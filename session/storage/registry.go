package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A Registry has the kinds of data of one session.
type Registry struct {
	kinds []Kind
}

// NewRegistry returns a Registry of kinds. Two of one type make it panic: that is a
// mistake in the program.
func NewRegistry(kinds ...Kind) *Registry {
	for i, k := range kinds {
		if slices.ContainsFunc(kinds[:i], func(other Kind) bool { return other.Type == k.Type }) {
			panic("storage: two kinds of the type " + string(k.Type))
		}
	}
	return &Registry{slices.Clone(kinds)}
}

// ClearStorageOptions say what ClearStorage clears (Electron: the options of
// ses.clearStorageData). The zero value is all that it knows.
type ClearStorageOptions struct {
	Origin string // "scheme://host:port"; empty: everybody's data

	// Storages are of cookies, filesystem, indexdb, localstorage, shadercache, websql,
	// serviceworkers and cachestorage, in any case; empty: all of them.
	Storages []string
}

// ClearStorage clears what pages keep (Electron: ses.clearStorageData). The HTTP cache,
// HSTS and credentials stay. With an Origin its cookies are those that go to no other
// host. A name that is not known is an error, and then nothing is cleared.
func (r *Registry) ClearStorage(ctx context.Context, o ClearStorageOptions) error {
	var types []DataType
	for _, name := range o.Storages {
		t, ok := storageType(name)
		if !ok {
			return invalid("unknown storage %q", name)
		}
		types = append(types, t)
	}
	if len(types) == 0 {
		for _, s := range storages {
			types = append(types, s.t)
		}
	}
	var sel Selection
	if o.Origin != "" {
		origins, err := parseOrigins([]string{o.Origin})
		if err != nil {
			return err
		}
		sel = Selection{Origins: origins, FirstParty: true}
	}
	return r.clear(ctx, func(t DataType) (Selection, bool) { return sel, slices.Contains(types, t) })
}

// ClearDataOptions say what ClearData clears (Electron: the options of ses.clearData).
// The zero value is everything that Electron clears.
type ClearDataOptions struct {
	DataTypes []DataType // empty: all of Electron's, which Kaon's own are not

	// Origins are whose data are cleared, ExcludeOrigins whose are not; at most one of
	// them is not nil. Cookies go by registrable domain: an origin stands for all hosts
	// of its domain. Origins that are empty and not nil clear nothing.
	Origins, ExcludeOrigins []string

	OriginMatchingMode      MatchingMode
	AvoidClosingConnections bool // leave what cannot be cleared without closing connections
}

// ClearData clears data by type (Electron: ses.clearData). With [Cache], unless Origins
// are given, goes what was learnt of servers, as in Chromium: [HSTS] and [AltSvc], of
// everybody. A name that is not known is an error, and then nothing is cleared. Data that
// could not be cleared give a [*ClearError].
func (r *Registry) ClearData(ctx context.Context, o ClearDataOptions) error {
	types := o.DataTypes
	if len(types) == 0 {
		types = dataTypes
	}
	for _, t := range types {
		if !slices.Contains(dataTypes, t) && !slices.Contains(ownTypes, t) {
			return invalid("unknown data type %q", string(t))
		}
	}
	if o.Origins != nil && o.ExcludeOrigins != nil {
		return invalid("Cannot provide both 'origins' and 'excludeOrigins'")
	}
	origins, err := parseOrigins(o.Origins)
	if err != nil {
		return err
	}
	exclude, err := parseOrigins(o.ExcludeOrigins)
	if err != nil {
		return err
	}
	sel := Selection{
		Origins: origins, Exclude: exclude,
		Mode: o.OriginMatchingMode, AvoidClosingConnections: o.AvoidClosingConnections,
	}
	cache := slices.Contains(types, Cache)
	return r.clear(ctx, func(t DataType) (Selection, bool) {
		switch {
		case cache && origins == nil && (t == HSTS || t == AltSvc):
			return Selection{}, true
		case cache && t == CacheStorage:
			return sel, true
		}
		return sel, slices.Contains(types, t)
	})
}

// A ClearError says which data could not be cleared.
type ClearError struct {
	Failed []DataType
	Err    error
}

func (e *ClearError) Error() string {
	return fmt.Sprintf("Failed to clear data %v: %v", e.Failed, e.Err)
}

func (e *ClearError) Unwrap() error { return e.Err }

// clear clears the kinds that want chooses, one after another.
func (r *Registry) clear(ctx context.Context, want func(DataType) (Selection, bool)) error {
	var failed []DataType
	var errs []error
	for _, k := range r.kinds {
		sel, ok := want(k.Type)
		if !ok {
			continue
		}
		if err := k.Clear(ctx, sel); err != nil {
			failed, errs = append(failed, k.Type), append(errs, err)
		}
	}
	if failed != nil {
		return &ClearError{failed, errors.Join(errs...)}
	}
	return nil
}
