package storage

import (
	"context"
	"encoding/binary"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kaon-net/kaon/cookiejar"
)

// CookieOptions say how cookies are kept. The zero value keeps them as they are, without
// those that end with the session.
type CookieOptions struct {
	// Keys seal the values, with AES-256-GCM and bound to the rest of the cookie: names,
	// domains and dates can be read. The first seals, the others open what was sealed
	// before, which is then written anew, as are values that were not sealed. Each has
	// KeySize bytes.
	Keys [][]byte

	// Err is why there is no key though there should be. Nothing is written that a key
	// should have sealed.
	Err error

	Session bool // keep and restore session cookies, too
}

// cookieBatch is how many changes are written without delay (Chromium).
const cookieBatch = 512

// CookieKind is a jar. Those of its cookies whose partition has a nonce, which ends with
// its page, are not kept.
func CookieKind(jar *cookiejar.Jar, o CookieOptions) (Kind, error) {
	seal, err := newSealer(o.Keys...)
	if err != nil {
		return Kind{}, err
	}
	c := &cookies{
		jar: jar, seal: seal, err: o.Err, session: o.Session,
		pending: make(map[string]*cookiejar.Cookie), untouched: make(map[string]untouched),
	}
	return Kind{Type: Cookies, Clear: c.clear, Records: c}, nil
}

type cookies struct {
	jar     *cookiejar.Jar
	seal    sealer
	err     error
	session bool

	mu        sync.Mutex
	pending   map[string]*cookiejar.Cookie // by key, what is to be written; nil: it is gone
	untouched map[string]untouched         // by key, what stays in the store as it is
	count     int                          // changes since the last write
	swept     time.Time                    // later accesses are not written yet
}

// untouched is the record of a cookie that no key opens, or all are when there should be
// a key and is none.
type untouched struct {
	cookie cookiejar.Cookie
	record []byte
}

func (c *cookies) Restore(records iter.Seq2[string, []byte]) (r Restored) {
	now := time.Now()
	c.swept, r.Err = now, c.err
	var list []cookiejar.Cookie
	for key, record := range records {
		cookie, is := c.decode(key, record)
		over := !cookie.Expires.IsZero() && !now.Before(cookie.Expires) || cookie.IsSession() && !c.session
		switch {
		case is == nothing:
			r.Lost++
			c.pending[key] = nil
			continue
		case over:
			c.pending[key] = nil
			continue
		case is == unopened:
			r.Locked++
		default:
			list = append(list, cookie)
			r.Anew = r.Anew || is == stale
		}
		if is == unopened || c.err != nil {
			c.untouched[key] = untouched{cookie, slices.Clone(record)}
		}
	}
	c.jar.Restore(list)
	if c.jar.Len() < len(list) { // it left some out
		have := make(map[string]bool)
		for _, cookie := range c.jar.Snapshot() {
			have[cookieKey(&cookie)] = true
		}
		for i := range list {
			if key := cookieKey(&list[i]); !have[key] {
				c.pending[key] = nil
			}
		}
	}
	return r
}

func (c *cookies) Watch(changed func(soon bool)) (stop func()) {
	return c.jar.Changed(func(ch cookiejar.Change) {
		if n := c.note(&ch); n > 0 {
			changed(n >= cookieBatch)
		}
	})
}

// note returns how many changes wait.
func (c *cookies) note(ch *cookiejar.Change) int {
	if ch.Cookie.Partition.HasNonce() {
		return 0
	}
	key := cookieKey(&ch.Cookie)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[key] = nil
	if !ch.Removed() && c.keeps(&ch.Cookie) {
		c.pending[key] = &ch.Cookie
	}
	c.count++
	return c.count
}

func (c *cookies) keeps(k *cookiejar.Cookie) bool {
	return (c.session || !k.IsSession()) && !k.Partition.HasNonce()
}

// Changes adds the cookies that were sent since it was last called: when that was decides
// which ones have to go when there are too many.
func (c *cookies) Changes(all bool) map[string][]byte {
	now := time.Now()
	snapshot := c.jar.Snapshot() // tells of what has expired, so before the lock
	c.mu.Lock()
	defer c.mu.Unlock()
	changes := make(map[string][]byte)
	if all {
		for key, u := range c.untouched {
			changes[key] = u.record
		}
	}
	for i := range snapshot {
		k := &snapshot[i]
		if !c.keeps(k) || !all && !k.Accessed.After(c.swept) {
			continue
		}
		key := cookieKey(k)
		if _, newer := c.pending[key]; !newer {
			c.pending[key] = k
		}
	}
	for key, k := range c.pending {
		if k != nil && c.err != nil {
			continue
		}
		changes[key] = nil
		if k != nil {
			changes[key] = c.encode(key, k)
		}
		delete(c.untouched, key)
	}
	c.swept, c.count = now, 0
	clear(c.pending)
	return changes
}

// clear forgets cookies, those that cannot be opened as well.
func (c *cookies) clear(_ context.Context, sel Selection) error {
	match := func(k *cookiejar.Cookie) bool {
		if sel.FirstParty {
			return k.HostOnly && k.Partition.IsZero() && sel.Host(k.Domain)
		}
		return sel.Domain(k.Domain)
	}
	c.jar.RemoveFunc(match)
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.untouched, func(key string, u untouched) bool {
		doomed := match(&u.cookie)
		if doomed {
			c.pending[key] = nil
		}
		return doomed
	})
	return nil
}

// cookieKey is what makes a cookie itself and no other.
func cookieKey(c *cookiejar.Cookie) string {
	b := make([]byte, 0, 128)
	b = appendText(b, c.Domain)
	b = appendBool(b, c.HostOnly)
	b = appendText(b, c.Path)
	b = appendText(b, c.Name)
	return string(appendPartition(b, c.Partition))
}

const (
	secureFlag = 1 << iota
	httpOnlyFlag
	sealedFlag
	allCookieFlags = 1<<iota - 1
)

func (c *cookies) encode(key string, k *cookiejar.Cookie) []byte {
	flags := flag(secureFlag, k.Secure) | flag(httpOnlyFlag, k.HTTPOnly) | flag(sealedFlag, len(c.seal) > 0)
	b := make([]byte, 0, 96+len(k.Value))
	b = append(b, flags, byte(k.SameSite), byte(k.Priority-cookiejar.Low), byte(k.SourceScheme))
	b = binary.AppendVarint(b, int64(k.SourcePort))
	for _, t := range []time.Time{k.Expires, k.Created, k.Accessed, k.Updated} {
		b = appendTime(b, t)
	}
	if len(c.seal) == 0 {
		return append(b, k.Value...)
	}
	return c.seal.seal(b, k.Value, key+string(b))
}

func flag(bit byte, is bool) byte {
	if is {
		return bit
	}
	return 0
}

// What decode makes of a record.
type decoded int

const (
	nothing  decoded = iota
	unopened         // all but the value
	stale            // good, but to be sealed anew
	good
)

func (c *cookies) decode(key string, record []byte) (k cookiejar.Cookie, is decoded) {
	id := &parts{b: key}
	k.Domain, k.HostOnly, k.Path, k.Name, k.Partition = id.text(), id.bool(), id.text(), id.text(), id.partition()
	p := partsOf(record)
	flags := p.below(allCookieFlags + 1)
	k.Secure, k.HTTPOnly = flags&secureFlag != 0, flags&httpOnlyFlag != 0
	k.SameSite = cookiejar.SameSite(p.below(uint64(cookiejar.Strict) + 1))
	k.Priority = cookiejar.Low + cookiejar.Priority(p.below(3))
	k.SourceScheme = cookiejar.SourceScheme(p.below(uint64(cookiejar.SourceSecure) + 1))
	k.SourcePort = int(p.int())
	k.Expires, k.Created, k.Accessed, k.Updated = p.time(), p.time(), p.time(), p.time()
	if !id.whole() || p.bad {
		return k, nothing
	}
	head := record[:len(record)-len(p.b)]
	value, current, ok := p.rest(), len(c.seal) == 0, true
	if flags&sealedFlag != 0 {
		value, current, ok = c.seal.open(value, key+string(head))
	}
	k.Value = value
	switch {
	case !ok:
		return k, unopened
	case !current:
		return k, stale
	}
	return k, good
}
