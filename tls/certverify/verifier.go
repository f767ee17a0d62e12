// Package certverify decides whether a server's certificates are to be trusted for a
// host.
//
// A [Verifier] builds chains with crypto/x509 and says what is wrong in Chromium's
// words: all problems, the most serious first. It needs roots (the system's by
// default) and a clock; it opens no connections and keeps nothing of a request.
//
//	v := certverify.New(certverify.Config{ExtraRoots: []*x509.Certificate{myCA}})
//	_, err := v.Verify(ctx, &certverify.Request{Host: "example.com", Certificates: certs})
//	if errors.Is(err, neterr.CertCommonNameInvalid) { … }
package certverify

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// Config configures a Verifier. The zero Config trusts what the system trusts.
type Config struct {
	Roots      *x509.CertPool      // whom to trust; nil is the system's roots
	ExtraRoots []*x509.Certificate // trusted besides Roots
	Now        func() time.Time    // nil is time.Now
}

// A Verifier verifies certificates. Its methods may be called at the same time.
type Verifier struct {
	cfg   Config
	roots func() (*x509.CertPool, error)
}

// New returns a Verifier. Roots are read when the first certificate is verified.
func New(cfg Config) *Verifier {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	v := &Verifier{cfg: cfg}
	v.roots = sync.OnceValues(v.loadRoots)
	return v
}

// loadRoots returns nil for the system's roots: crypto/x509 then asks the platform's
// own verifier, where there is one.
func (v *Verifier) loadRoots() (*x509.CertPool, error) {
	if len(v.cfg.ExtraRoots) == 0 {
		return v.cfg.Roots, nil
	}
	var pool *x509.CertPool
	if v.cfg.Roots != nil {
		pool = v.cfg.Roots.Clone()
	} else {
		var err error
		if pool, err = x509.SystemCertPool(); err != nil {
			return nil, err
		}
	}
	for _, c := range v.cfg.ExtraRoots {
		pool.AddCert(c)
	}
	return pool, nil
}

// A Request is what a server showed and for whom.
type Request struct {
	Host         string              // a DNS name or an IP address, without brackets and port
	Certificates []*x509.Certificate // as sent, the server's own first
	OCSPResponse []byte              // as stapled; may be nil
	SCTs         [][]byte            // from the handshake; may be nil

	NetLog netlog.Source
}

// A Result is the verdict on a Request.
type Result struct {
	// Chain leads from the server's certificate to a trusted root. It is also set
	// when the chain holds but something else is wrong, such as the name, and nil
	// if there is none.
	Chain []*x509.Certificate
	// Problems is everything found wrong, the most serious first; empty is trust.
	Problems []neterr.Code
}

// Verify builds a chain from r's certificates to a root and checks names (subject
// alternative names only), dates, usage, constraints, signature algorithms and key
// sizes. The error is a *neterr.Error with the most serious problem, and with it
// comes a Result that lists them all; only if ctx ends is there none.
//
// Revocation is not checked.
func (v *Verifier) Verify(ctx context.Context, r *Request) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, neterr.FromOp("verify certificate", err)
	}
	r.NetLog.Begin(netlog.CertVerifierRequest)
	res, err := v.verify(r)
	r.NetLog.EndErr(netlog.CertVerifierRequest, err)
	return res, err
}

func (v *Verifier) verify(r *Request) (*Result, error) {
	var found findings
	res := new(Result)
	if len(r.Certificates) == 0 {
		found.add(neterr.CertInvalid, errNoCertificates)
	} else {
		res.Chain = v.check(r, &found)
	}
	res.Problems = found.sorted()
	if len(res.Problems) == 0 {
		return res, nil
	}
	worst := res.Problems[0]
	return res, &neterr.Error{Code: worst, Op: "verify certificate", Addr: r.Host, Err: found.cause(worst)}
}
