package certverify

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"sync"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// trust is whom a Verifier trusts. It does not change.
type trust struct {
	pool  func() (*x509.CertPool, error) // nil pool: the platform's own verifier decides, where there is one
	extra []*x509.Certificate
	// system says that roots come from the system rather than from the program.
	system bool
}

func newTrust(roots *x509.CertPool, extra []*x509.Certificate) *trust {
	t := &trust{extra: extra, system: roots == nil}
	t.pool = sync.OnceValues(func() (*x509.CertPool, error) { return joinRoots(roots, extra) })
	return t
}

func joinRoots(roots *x509.CertPool, extra []*x509.Certificate) (*x509.CertPool, error) {
	if len(extra) == 0 {
		return roots, nil
	}
	var pool *x509.CertPool
	if roots != nil {
		pool = roots.Clone()
	} else {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, err
		}
	}
	for _, c := range extra {
		pool.AddCert(c)
	}
	return pool, nil
}

// constraint returns what Mozilla's list demands of a chain besides, or nil. A root
// that the program itself trusts is under no constraints, as in Chromium.
func (t *trust) constraint(root *x509.Certificate, known func() knownRoots) func([]*x509.Certificate) error {
	if !t.system {
		return nil
	}
	for _, c := range t.extra {
		if c.Equal(root) {
			return nil
		}
	}
	return known()[sha256.Sum256(root.Raw)].Constraint
}

// knownRoots are the roots that browsers ship with, by the hash of the certificate.
type knownRoots map[[sha256.Size]byte]bundle.Root

func loadKnownRoots() knownRoots {
	out := make(knownRoots)
	for r := range bundle.Roots() {
		out[sha256.Sum256(r.Certificate)] = r
	}
	return out
}

func (k knownRoots) has(root *x509.Certificate) bool {
	_, ok := k[sha256.Sum256(root.Raw)]
	return ok
}

// named returns the roots that have subject, in DER, as their name.
func (k knownRoots) named(subject []byte) []*x509.Certificate {
	var out []*x509.Certificate
	for _, r := range k {
		if !bytes.Contains(r.Certificate, subject) {
			continue
		}
		if c, err := x509.ParseCertificate(r.Certificate); err == nil && bytes.Equal(c.RawSubject, subject) {
			out = append(out, c)
		}
	}
	return out
}
