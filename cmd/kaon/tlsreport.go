package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/tls"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A tlsReport is what kaon tls has seen.
type tlsReport struct {
	host    string
	remote  net.Addr
	took    time.Duration // resolving and connecting included
	state   *exchange.TLSState
	resumed bool // by the second connection
	wanted  bool // the server asked for a client certificate, and there was none
	verdict *certverify.Result
	refusal error // nil if the certificate is good
}

func (r *tlsReport) print(w io.Writer) error {
	var b bytes.Buffer
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(tw, "%s\t%v\n", name, value) }
	row("host", r.host)
	row("remote", r.remote)
	row("connected in", r.took.Round(time.Microsecond))
	row("version", versionName(r.state.Version))
	row("cipher", fmt.Sprintf("%s (%#04x)", tls.CipherSuiteName(r.state.CipherSuite), r.state.CipherSuite))
	row("group", r.group())
	row("alpn", orDash(r.state.NegotiatedProtocol))
	row("resumption", yesNo(r.resumed))
	if r.wanted {
		row("client", "the server asked for a certificate; --cert shows one")
	}
	row("verdict", r.judgement())
	for i, c := range r.chain() {
		fmt.Fprintln(tw)
		row("certificate", i)
		row("subject", orDash(c.SubjectName))
		row("issuer", orDash(c.IssuerName))
		row("valid", date(c.ValidStart)+" to "+date(c.ValidExpiry))
		row("fingerprint", c.Fingerprint)
	}
	tw.Flush()
	_, err := w.Write(b.Bytes())
	return err
}

func (r *tlsReport) group() string {
	if r.state.CurveID == 0 {
		return "-" // TLS 1.2 does not tell
	}
	return r.state.CurveID.String()
}

// judgement is "OK", or all that is wrong, the most serious first.
func (r *tlsReport) judgement() string {
	if r.refusal == nil {
		if r.verdict.KnownRoot {
			return "OK, a root that browsers ship with"
		}
		return "OK, a root that this machine or --cacert trusts"
	}
	var names []string
	for _, p := range r.verdict.Problems {
		names = append(names, p.Error())
	}
	return strings.Join(names, ", ")
}

// chain is what was verified, up to the root, or else what the server sent.
func (r *tlsReport) chain() (list []*certverify.Certificate) {
	certs := r.verdict.Chain
	if certs == nil {
		certs = r.state.PeerCertificates
	}
	for c := certverify.NewCertificate(certs); c != nil; c = c.IssuerCert {
		list = append(list, c)
	}
	return list
}

func date(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.DateTime) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
