package certverify

import (
	"context"
	"crypto/x509"

	"github.com/kaon-net/kaon/net/neterr"
)

// A Chain is what a [Check] judges.
type Chain struct {
	Params       *Params
	Certificates []*x509.Certificate // from the server's own to a trusted root
	KnownRoot    bool                // the root is one that browsers ship with
}

// A Check is a condition on a chain that holds otherwise: revocation lists and online
// status, or certificate transparency. nil is well; an error that carries one of the
// codes of certificates, such as [neterr.CertRevoked], is that problem. Any other
// error says that the check could not be made: that is
// [neterr.CertUnableToCheckRevocation] for Config.Revocation, and
// [neterr.CertificateTransparencyRequired] for Config.CTPolicy. A check that is to
// fail softly, as Chromium's online one, returns nil instead.
//
// It runs on the goroutine that asks, with no lock held, and may block until ctx
// ends. The time it takes does not count against a handshake's. What it finds is kept
// with the verdict.
type Check func(ctx context.Context, c *Chain) error

// run adds what check finds wrong, or unable if it could not tell.
func (check Check) run(ctx context.Context, c *Chain, unable neterr.Code, found *findings) {
	if check == nil {
		return
	}
	err := check(ctx, c)
	if err == nil {
		return
	}
	code := neterr.CodeOf(err)
	if statusOf(code) == 0 {
		code = unable
	}
	found.add(code, err)
}
