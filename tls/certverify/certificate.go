package certverify

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
)

// A Certificate is a certificate as Electron's API shows it. Encoded as JSON it is
// Electron's Certificate structure.
type Certificate struct {
	Data         string       `json:"data"` // PEM
	Issuer       Principal    `json:"issuer"`
	IssuerName   string       `json:"issuerName"`
	IssuerCert   *Certificate `json:"issuerCert,omitempty"` // the next of the chain; nil at its end
	Subject      Principal    `json:"subject"`
	SubjectName  string       `json:"subjectName"`
	SerialNumber string       `json:"serialNumber"` // upper-case hexadecimal digits
	ValidStart   int64        `json:"validStart"`   // seconds since 1970
	ValidExpiry  int64        `json:"validExpiry"`  // the last second
	Fingerprint  string       `json:"fingerprint"`  // "sha256/" and the hash of the certificate in base64

	parsed *x509.Certificate
}

// A Principal is whom a certificate names, Electron's CertificatePrincipal. Of a
// locality, state or country named more than once it has the first.
type Principal struct {
	CommonName        string   `json:"commonName"`
	Organizations     []string `json:"organizations"`
	OrganizationUnits []string `json:"organizationUnits"`
	Locality          string   `json:"locality"`
	State             string   `json:"state"`
	Country           string   `json:"country"`
}

// NewCertificate returns the first of chain, with the others as its issuers in that
// order, or nil if chain is empty.
func NewCertificate(chain []*x509.Certificate) *Certificate {
	var issuer *Certificate
	for i := len(chain) - 1; i >= 0; i-- {
		issuer = newCertificate(chain[i], issuer)
	}
	return issuer
}

// X509 returns the certificate itself, which must not be changed, or nil if c was not
// made by [NewCertificate].
func (c *Certificate) X509() *x509.Certificate { return c.parsed }

func newCertificate(c *x509.Certificate, issuer *Certificate) *Certificate {
	hash := sha256.Sum256(c.Raw)
	out := &Certificate{
		Data:         string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})),
		Issuer:       principal(&c.Issuer),
		IssuerCert:   issuer,
		Subject:      principal(&c.Subject),
		SerialNumber: serial(c.SerialNumber),
		ValidStart:   c.NotBefore.Unix(),
		ValidExpiry:  c.NotAfter.Unix(),
		Fingerprint:  "sha256/" + base64.StdEncoding.EncodeToString(hash[:]),
		parsed:       c,
	}
	out.IssuerName = out.Issuer.displayName()
	out.SubjectName = out.Subject.displayName()
	return out
}

// serial is the number in whole bytes, and "00" for zero.
func serial(n *big.Int) string {
	b := n.Bytes()
	if len(b) == 0 {
		b = []byte{0}
	}
	return fmt.Sprintf("%X", b)
}

func principal(n *pkix.Name) Principal {
	return Principal{
		CommonName:        text(n.CommonName),
		Organizations:     texts(n.Organization),
		OrganizationUnits: texts(n.OrganizationalUnit),
		Locality:          text(first(n.Locality)),
		State:             text(first(n.Province)),
		Country:           text(first(n.Country)),
	}
}

// displayName is the common name, or else the first organization, or else its unit.
func (p *Principal) displayName() string {
	if p.CommonName != "" {
		return p.CommonName
	}
	if len(p.Organizations) > 0 {
		return p.Organizations[0]
	}
	return first(p.OrganizationUnits)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// texts is never nil, since in JSON an absent list is not an empty one.
func texts(list []string) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, text(s))
	}
	return out
}

// text makes a name UTF-8: in the encodings of old it need not be.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
