package session

import (
	"context"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/session/storage"
)

// remember registers the session's data, and restores what its directory has of them. A
// session in memory has no directory.
func (s *Session) remember(cfg Config) error {
	o := storage.CookieOptions{Keys: cfg.OldCookieKeys, Session: cfg.RestoreSessionCookies}
	key := cfg.CookieKey
	if cfg.Keyring != nil && cfg.Path != "" {
		if key != nil {
			return &neterr.Error{Code: neterr.InvalidArgument, Op: "both CookieKey and Keyring are set"}
		}
		name := cfg.KeyringName
		if name == "" {
			name = cfg.Path
		}
		key, o.Err = storage.KeyFrom(cfg.Keyring, name)
	}
	if key != nil {
		o.Keys = append([][]byte{key}, o.Keys...)
	}
	cookies, err := storage.CookieKind(s.cookies, o)
	if err != nil {
		return err
	}
	kinds := []storage.Kind{cookies, storage.HSTSKind(s.hsts), storage.HostCacheKind(s.resolver.Cache()), storage.CacheKind(s.clearCache)}
	if s.transport != nil {
		kinds = append(kinds, storage.AltSvcKind(s.transport.AltSvc()))
	}
	s.data = storage.NewRegistry(kinds...)
	if cfg.Path != "" {
		s.store, err = storage.Open(storage.Config{Dir: cfg.Path, Registry: s.data, Logger: cfg.Logger})
	}
	return err
}

// FlushStorageData writes what the session keeps to its directory, and returns when it is
// there (Electron: ses.flushStorageData, and ses.cookies.flushStore). In memory there is
// nothing to do. Without it cookies are written after 30 seconds or 512 changes, other
// data after a minute, and all when the session is closed.
func (s *Session) FlushStorageData(ctx context.Context) error {
	if s.store == nil {
		return nil
	}
	return s.store.Flush(ctx)
}

// Delete is Close, and then removes what the session has kept in its directory, and the
// directory if nothing else is in it. What was not written any more is no error. Another
// session that has taken the directory meanwhile keeps it: the error is storage.ErrInUse.
func (s *Session) Delete(ctx context.Context) error {
	err := s.Close(ctx)
	select {
	case <-s.closed:
	default:
		return err
	}
	if s.path == "" {
		return err
	}
	return storage.Remove(s.path, s.data)
}
