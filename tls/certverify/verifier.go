// Package certverify decides whether a server's certificates are to be trusted for a
// host.
//
// A [Verifier] builds chains with crypto/x509 and says what is wrong in Chromium's
// words: all problems, the most serious first. It needs roots (the system's by
// default) and a clock, opens no connections, and keeps the verdicts of the last half
// hour.
//
//	v := certverify.New(certverify.Config{ExtraRoots: []*x509.Certificate{myCA}})
//	_, err := v.Verify(ctx, &certverify.Params{Host: "example.com", Certificates: certs})
//	if errors.Is(err, neterr.CertCommonNameInvalid) { … }
//
// # The program's own verdict
//
// A [Proc] has the last word on every verdict, good ones too, as Electron's
// setCertificateVerifyProc:
//
//	v.SetProc(func(ctx context.Context, r *certverify.Request) error {
//		if r.Host == "test.local" {
//			return nil // accept
//		}
//		return certverify.UseDefault // any other error rejects
//	})
//
// # What is checked
//
//   - Names: subject alternative names alone. A wildcard is the whole left-most label
//     and stands above a registered domain, so neither *.com nor *.intranet count.
//   - The chain: signatures, dates, authority, usage for servers, lengths and name
//     constraints, by crypto/x509. The order in which certificates come does not
//     matter, and neither do superfluous ones; missing ones are not fetched.
//   - Signatures by SHA-1 or MD5, and RSA keys below 1024 bits, below 2048 under a
//     known root.
//   - Under a known root, which is one that browsers ship with rather than one
//     installed on this machine: how long the certificate is valid, and that the name
//     is one of the public Internet. Known are the roots of Mozilla's list in
//     golang.org/x/crypto/x509roots; if trust comes from the system, their dates of
//     distrust hold as well.
//   - Revocation: a stapled OCSP response that says so. A program that wants more
//     plugs a [Check] in; the same holds for certificate transparency.
//
// Chromium calls a violation of name constraints in a certificate ERR_CERT_INVALID
// and keeps ERR_CERT_NAME_CONSTRAINT_VIOLATION for lists of its own; here the latter
// stands for both, since it says what is wrong.
//
// crypto/tls and its descendants verify no signature by an RSA key below 1024 bits:
// even if a Proc accepts such a certificate, the handshake fails.
package certverify

import (
	"cmp"
	"crypto/x509"
	"slices"
	"sync"
	"time"
)

const defaultCacheSize = 256 // Chromium's

// Config configures a Verifier. The zero Config trusts what the system trusts.
type Config struct {
	Roots      *x509.CertPool      // whom to trust, and nobody else; nil is the system's roots
	ExtraRoots []*x509.Certificate // trusted besides Roots
	Now        func() time.Time    // nil is time.Now

	// KnownRoot says whether a root is one that browsers ship with. nil looks it up
	// in Mozilla's list.
	KnownRoot func(root *x509.Certificate) bool

	// Revocation and CTPolicy judge chains that hold otherwise. nil checks nothing
	// beyond a stapled OCSP response, as Chromium and Electron do by default.
	Revocation, CTPolicy Check

	// Base, if not nil, judges in place of this Verifier, by its own settings and with
	// its own Proc: nothing above is used. So several users of one Base may each have a
	// Proc, and exceptions, of their own. Base.OnChange should call this one's Forget.
	Base *Verifier

	// Strict says for which hosts, as "example.com", exceptions do not count and none can
	// be made (RFC 6797 section 8.4). nil: for none.
	Strict func(host string) bool

	// Proc has the last word; see [Verifier.SetProc]. nil leaves it to the Verifier.
	Proc Proc

	// CacheSize is how many verdicts are kept. Zero is 256, or as many as Base keeps;
	// negative keeps none.
	CacheSize int
}

// A Verifier verifies certificates. Its methods may be called at the same time.
type Verifier struct {
	now        func() time.Time
	known      func() knownRoots
	isKnown    func(root *x509.Certificate) bool
	revocation Check
	ctPolicy   Check
	base       *Verifier

	strict     func(host string) bool
	exceptions exceptions

	mu         sync.Mutex
	generation uint64 // grows whenever trust or proc change
	trust      *trust
	proc       Proc
	verdicts   verdicts
	jobs       map[verdictKey]*job // under way, of this generation
	listeners  []*func()
}

// New returns a Verifier. Roots are read when the first certificate is verified.
func New(cfg Config) *Verifier {
	if cfg.Base != nil {
		cfg.Now = cfg.Base.now
		cfg.CacheSize = cmp.Or(cfg.CacheSize, cfg.Base.verdicts.size)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = defaultCacheSize
	}
	v := &Verifier{
		now:        cfg.Now,
		known:      sync.OnceValue(loadKnownRoots),
		isKnown:    cfg.KnownRoot,
		revocation: cfg.Revocation,
		ctPolicy:   cfg.CTPolicy,
		base:       cfg.Base,
		strict:     cfg.Strict,
		trust:      newTrust(cfg.Roots, cfg.ExtraRoots),
		proc:       cfg.Proc,
		verdicts:   verdicts{size: cfg.CacheSize},
		jobs:       make(map[verdictKey]*job),
	}
	if v.isKnown == nil {
		v.isKnown = func(c *x509.Certificate) bool { return v.known().has(c) }
	}
	return v
}

// SetProc has p asked about every verdict from now on; nil leaves them to the
// Verifier again. Verdicts made before are forgotten, and none that is under way
// comes out under the Proc before.
func (v *Verifier) SetProc(p Proc) {
	v.change(func() { v.proc = p })
}

// SetRoots replaces whom to trust, as the fields of [Config] with those names. What
// it says of SetProc about verdicts holds here too.
func (v *Verifier) SetRoots(roots *x509.CertPool, extra []*x509.Certificate) {
	t := newTrust(roots, extra)
	v.change(func() { v.trust = t })
}

// Forget drops all verdicts, as SetProc does, and calls those that OnChange has: for
// what verdicts depend on without the Verifier's knowledge, such as a [Check].
func (v *Verifier) Forget() {
	v.change(func() {})
}

// Generation is a number that grows with each SetProc, SetRoots and Forget: a connection
// verified under another one should not be used for new requests.
func (v *Verifier) Generation() uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.generation
}

// OnChange has f called after each SetProc, SetRoots and Forget, on their goroutine,
// until stop is called. f may still run once while stop returns.
func (v *Verifier) OnChange(f func()) (stop func()) {
	p := &f
	v.mu.Lock()
	defer v.mu.Unlock()
	v.listeners = append(v.listeners, p)
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.listeners = slices.DeleteFunc(v.listeners, func(q *func()) bool { return p == q })
	}
}

func (v *Verifier) change(edit func()) {
	v.mu.Lock()
	edit()
	v.generation++
	v.verdicts.clear()
	clear(v.jobs)
	listeners := slices.Clone(v.listeners)
	v.mu.Unlock()
	for _, f := range listeners {
		(*f)()
	}
}
