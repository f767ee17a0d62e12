package certverify

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// maxChainBytes bounds the certificates of one server, as BoringSSL does.
const maxChainBytes = 100 << 10

var (
	errNoCertificates = errors.New("no certificates")
	errOversizedChain = errors.New("more than 100 KiB of certificates")
)

// Params is what a server showed and for whom. They must not be changed while
// [Verifier.Verify] runs.
type Params struct {
	Host         string              // a DNS name or an IP address, without brackets and port
	Certificates []*x509.Certificate // as sent, the server's own first
	OCSPResponse []byte              // as stapled; may be nil
	SCTs         [][]byte            // from the handshake; may be nil

	NetLog netlog.Source
}

// A Result is what the Verifier found. It is shared by all that ask the same: the
// caller must not change it.
type Result struct {
	// Chain leads from the server's certificate to a trusted root. It is also set
	// when the chain holds but something else is wrong, such as the name, and nil
	// if there is none.
	Chain []*x509.Certificate
	// KnownRoot says that Chain ends at a root that browsers ship with.
	KnownRoot bool
	// Problems is everything found wrong, the most serious first; empty is trust.
	// What a Proc says changes nothing here.
	Problems []neterr.Code
	// Status is Problems and some facts as Chromium's bits.
	Status Status
}

// Verify builds a chain from p's certificates to a root and checks what the package
// comment lists; then it asks the Proc, if there is one. The error is a
// *neterr.Error with the most serious problem, or with what the Proc said, and with
// it comes a Result that lists all problems. There is none if ctx ends, or with
// [neterr.SSLProtocolError] if the certificates exceed 100 KiB.
//
// What [Verifier.Accept] excepts is no error; its Result still lists the problems.
//
// Verdicts are kept for half an hour, or until a certificate begins or ends to be
// valid. Who asks the same at the same time waits for one verdict.
func (v *Verifier) Verify(ctx context.Context, p *Params) (*Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, neterr.FromOp(op, err)
	}
	if size := chainBytes(p.Certificates); size > maxChainBytes {
		return nil, &neterr.Error{Code: neterr.SSLProtocolError, Op: op, Addr: p.Host, Err: errOversizedChain}
	}
	key := keyOf(p)
	for {
		now := v.now()
		kept, j, mine := v.begin(key, now)
		if kept != nil {
			return v.answer(p, kept)
		}
		if mine {
			if err := v.work(ctx, key, j, p, now); err != nil {
				return nil, err
			}
		} else {
			select {
			case <-j.done:
			case <-ctx.Done():
				return nil, neterr.FromOp(op, ctx.Err())
			}
		}
		if j.verdict != nil {
			return v.answer(p, j.verdict)
		}
		// The settings changed meanwhile, or whoever did the work was cancelled.
	}
}

// op is what errors say was tried.
const op = "verify certificate"

// work makes the verdict of a job, whose end it tells even if the program's code
// panics. An error says that ctx ended: there is no verdict then.
func (v *Verifier) work(ctx context.Context, key verdictKey, j *job, p *Params, now time.Time) error {
	var vd *verdict
	defer func() { v.end(key, j, vd) }()

	p.NetLog.Begin(netlog.CertVerifierRequest)
	res, err := v.found(ctx, p, j.trust, now)
	if res == nil {
		p.NetLog.EndErr(netlog.CertVerifierRequest, err)
		return err
	}
	if j.proc != nil {
		err = ask(ctx, j.proc, p, res, err)
	}
	logResult(p.NetLog, res, err)
	if ctx.Err() != nil {
		return neterr.FromOp(op, ctx.Err())
	}
	vd = &verdict{res, err, now, validUntil(p, res, now)}
	return nil
}

// found is the verdict that stands before the Proc is asked; without a Result there is
// none.
func (v *Verifier) found(ctx context.Context, p *Params, t *trust, now time.Time) (*Result, error) {
	if v.base == nil {
		return v.judge(ctx, p, t, now)
	}
	quiet := *p
	quiet.NetLog = netlog.Source{} // one verification, one pair of events
	return v.base.Verify(ctx, &quiet)
}

func chainBytes(certs []*x509.Certificate) (n int) {
	for _, c := range certs {
		n += len(c.Raw)
	}
	return n
}

func logResult(log netlog.Source, r *Result, err error) {
	if !log.On() {
		return
	}
	var chain []string
	for _, c := range r.Chain {
		chain = append(chain, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	}
	log.EndErr(netlog.CertVerifierRequest, err,
		netlog.Int("cert_status", uint32(r.Status)),
		netlog.Bool("is_issued_by_known_root", r.KnownRoot),
		netlog.Object("verified_cert", map[string]any{"certificates": chain}))
}
