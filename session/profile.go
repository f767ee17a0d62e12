package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/kaon-net/kaon/net/neterr"
)

// Options are what a named session can be created with. They count only for the
// call that creates it; zero values are [Config]'s.
type Options struct {
	Config Config // Path is the name's own and ignored here
}

// A Profile owns the sessions of one program, by name. Its sessions are found by
// the same pointer for as long as they are open.
type Profile struct {
	watch watch

	mu     sync.Mutex
	dir    string             // empty: in memory
	byName map[ident]*Session // the zero ident is the default session
	byDir  map[string]ident   // directory -> whose it is
	closed bool
}

// An ident is what a session was asked for by: a partition and a path with the same
// text are two.
type ident struct {
	name   string
	isPath bool
}

func (id ident) String() string {
	if id.isPath {
		return "path " + id.name
	}
	return fmt.Sprintf("partition %q", id.name)
}

func newProfile(dir string) *Profile {
	return &Profile{dir: dir, byName: make(map[ident]*Session), byDir: make(map[string]ident)}
}

// errNotAbsolute and errEmptyPath have Electron's words.
var (
	//lint:ignore ST1005 the text is Electron's
	errEmptyPath = &neterr.Error{Code: neterr.InvalidArgument, Err: errors.New("An empty path was specified")}
	//lint:ignore ST1005 the text is Electron's
	errNotAbsolute = &neterr.Error{Code: neterr.InvalidArgument, Err: errors.New("An absolute path was not provided")}
)

// profiles are those of the program. first is the one that the package's own
// FromPartition and FromPath use: in memory until the program opens one.
var profiles struct {
	sync.Mutex
	first *Profile
	byDir map[string]*Profile // of each directory the last, which may be closed
}

func theProfile() *Profile {
	profiles.Lock()
	defer profiles.Unlock()
	return firstProfile()
}

// firstProfile is called with profiles locked.
func firstProfile() *Profile {
	if profiles.first == nil || profiles.first.isClosed() {
		profiles.first = newProfile("")
	}
	return profiles.first
}

// OpenProfile returns the profile kept in dir, an absolute path, which is made if
// it is not there. The first profile that a program opens becomes the one that
// [FromPartition] and [FromPath] use; opening one a second time returns it again.
//
// Open it before using the default session: once FromPartition("") was called, that
// session is in memory and stays so until it is closed, and OpenProfile fails.
func OpenProfile(dir string) (*Profile, error) {
	if dir == "" {
		return nil, errEmptyPath
	}
	if !filepath.IsAbs(dir) {
		return nil, errNotAbsolute
	}
	dir = filepath.Clean(dir)
	profiles.Lock()
	defer profiles.Unlock()
	if p := profiles.byDir[dir]; p != nil && !p.isClosed() {
		return p, nil
	}
	first := firstProfile()
	if first.isUsedInMemory() {
		return nil, errInMemory
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, neterr.FromOp("open profile", err)
	}
	p := first
	if !first.settle(dir) {
		if first.isUsedInMemory() {
			return nil, errInMemory
		}
		p = newProfile(dir)
	}
	if profiles.byDir == nil {
		profiles.byDir = make(map[string]*Profile)
	}
	profiles.byDir[dir] = p
	return p, nil
}

var errInMemory = &neterr.Error{Code: neterr.Unexpected, Op: "open profile", Err: errors.New(
	"the default session is in use in memory: call OpenProfile before FromPartition(\"\")")}

// isUsedInMemory reports whether p has a default session without a directory.
func (p *Profile) isUsedInMemory() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dir == "" && p.byName[ident{}] != nil
}

// settle gives an in-memory profile its directory, and reports whether it took it.
// Sessions that it gave out before keep their names.
func (p *Profile) settle(dir string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.dir != "" || p.closed || p.byName[ident{}] != nil {
		return false
	}
	p.dir = dir
	return true
}

// FromPartition is [Profile.FromPartition] of the default profile. Until the program
// calls [OpenProfile] that profile is in memory, and a name that begins with
// "persist:" is an error: a library writes nothing to a user's disk unasked.
func FromPartition(name string, opts *Options) (*Session, error) {
	return theProfile().FromPartition(name, opts)
}

// FromPath is [Profile.FromPath] of the default profile.
func FromPath(dir string, opts *Options) (*Session, error) {
	return theProfile().FromPath(dir, opts)
}

const persistPrefix = "persist:"

// FromPartition returns the session called name (Electron: session.fromPartition),
// the same one for the same name; opts count when it is made. "" is the profile's
// default session. A name that begins with "persist:" is kept in a directory of its
// own; any other is in memory.
//
// Names are told apart by case, directories are not everywhere: a name that would
// share the directory of another, as "persist:A" and "persist:a" would, is refused.
func (p *Profile) FromPartition(name string, opts *Options) (*Session, error) {
	rest, persistent := strings.CutPrefix(name, persistPrefix)
	if persistent && rest == "" {
		name, persistent = "", false // a bare prefix is the default session
	}
	return p.open(ident{name: name}, opts, func(root string) (string, error) {
		switch {
		case name == "":
			return root, nil
		case !persistent:
			return "", nil
		case root == "":
			return "", &neterr.Error{Code: neterr.InvalidArgument, Op: "partition " + name, Err: errors.New(
				"there is no directory to keep it in: call session.OpenProfile first")}
		}
		return filepath.Join(root, "Partitions", partitionDir(rest)), nil
	})
}

// FromPath returns the session kept in dir, which must be an absolute path
// (Electron: session.fromPath), the same one for the same path.
func (p *Profile) FromPath(dir string, opts *Options) (*Session, error) {
	switch {
	case dir == "":
		return nil, errEmptyPath
	case !filepath.IsAbs(dir):
		return nil, errNotAbsolute
	}
	dir = filepath.Clean(dir)
	return p.open(ident{dir, true}, opts, func(string) (string, error) { return dir, nil })
}

// open finds or makes the session id. place says where it is kept, given the
// profile's directory.
func (p *Profile) open(id ident, opts *Options, place func(root string) (string, error)) (*Session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, &neterr.Error{Code: neterr.ContextShutDown, Op: "the profile is closed"}
	}
	if s := p.byName[id]; s != nil {
		return s, nil
	}
	dir, err := place(p.dir)
	if err != nil {
		return nil, err
	}
	if by, taken := p.byDir[dir]; taken && dir != "" {
		return nil, &neterr.Error{Code: neterr.FileExists, Op: id.String(), Err: fmt.Errorf(
			"its directory is in use by %v; partitions that differ in case alone share one", by)}
	}
	var cfg Config
	if opts != nil {
		cfg = opts.Config
	}
	cfg.Path = dir
	s, err := compose(cfg, &p.watch)
	if err != nil {
		return nil, err
	}
	s.onClose = func() { p.forget(id, s) }
	p.byName[id] = s
	if dir != "" {
		p.byDir[dir] = id
	}
	return s, nil
}

// forget lets a closed session's name be opened anew.
func (p *Profile) forget(id ident, s *Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName[id] == s {
		delete(p.byName, id)
		delete(p.byDir, s.path)
	}
}

func (p *Profile) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Close closes every session of the profile, the default one last, as Electron does
// when an app ends. The profile opens no session after it.
func (p *Profile) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	last := p.byName[ident{}]
	var all []*Session
	for id, s := range p.byName {
		if id != (ident{}) {
			all = append(all, s)
		}
	}
	p.mu.Unlock()
	if last != nil {
		all = append(all, last)
	}
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Close(ctx))
	}
	return errors.Join(errs...)
}

// partitionDir is the directory name of a partition: lower-case, and with what some
// file system could misread written as %XX.
func partitionDir(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z':
			b.WriteByte(c + 'a' - 'A')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.' && i > 0 && i < len(name)-1:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	s := b.String()
	base, _, _ := strings.Cut(s, ".")
	switch base {
	case "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
		"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9":
		return fmt.Sprintf("%%%02X%s", s[0], s[1:]) // devices, not files, on Windows
	}
	return s
}
