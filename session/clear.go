package session

import (
	"context"
	"errors"

	"github.com/kaon-net/kaon/session/storage"
)

// ClearStorageData clears what pages keep (Electron: ses.clearStorageData), which are
// cookies as yet; o may be nil for all of it. The HTTP cache, HSTS and credentials stay.
// When it returns, nothing of what was cleared is in the session's directory either.
func (s *Session) ClearStorageData(ctx context.Context, o *storage.ClearStorageOptions) error {
	if o == nil {
		o = new(storage.ClearStorageOptions)
	}
	return s.scrubbed(ctx, s.data.ClearStorage(ctx, *o))
}

// ClearData clears data by type (Electron: ses.clearData); o may be nil for all that
// Electron clears. HSTS, Alt-Svc and the host cache can be cleared alone: see
// [storage.HSTS]. A type of which the session has nothing is cleared already. When it
// returns, nothing of what was cleared is in the session's directory either.
func (s *Session) ClearData(ctx context.Context, o *storage.ClearDataOptions) error {
	if o == nil {
		o = new(storage.ClearDataOptions)
	}
	return s.scrubbed(ctx, s.data.ClearData(ctx, *o))
}

// scrubbed has the directory follow memory, which was cleared but for err.
func (s *Session) scrubbed(ctx context.Context, err error) error {
	if failed := (*storage.ClearError)(nil); s.store == nil || err != nil && !errors.As(err, &failed) {
		return err // the options were wrong: nothing was cleared
	}
	return errors.Join(err, s.store.Scrub(ctx))
}
