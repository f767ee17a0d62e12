package nettest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// A CA is a certificate authority that lives as long as the process that made it:
// its key is never written anywhere. It may be used by several goroutines.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewCA makes an authority with a fresh P-256 key. Its certificate is valid from an
// hour ago until a day from now, by the clock of a synctest bubble if it is made in
// one.
func NewCA() *CA {
	key := newKey()
	template := template("Kaon test CA")
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return &CA{cert: sign(template, template, key, key), key: key}
}

// Issue returns a certificate with its key for the given DNS names and IP
// addresses. It panics if a name cannot stand in a certificate at all, such as one
// that is not ASCII.
func (ca *CA) Issue(names ...string) stdtls.Certificate {
	return ca.IssueWith(nil, names...)
}

// IssueWith is [CA.Issue], with the certificate as edit leaves it: expired, for
// another use, without names. A nil edit changes nothing.
func (ca *CA) IssueWith(edit func(*x509.Certificate), names ...string) stdtls.Certificate {
	leaf := template("Kaon test leaf")
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	if edit != nil {
		edit(leaf)
	}
	key := newKey()
	cert := sign(leaf, ca.cert, key, ca.key)
	return stdtls.Certificate{
		Certificate: [][]byte{cert.Raw, ca.cert.Raw},
		PrivateKey:  key,
		Leaf:        cert,
	}
}

// Config returns a server's configuration with a certificate for names; ALPN offers
// http/1.1 only. The caller may change it.
func (ca *CA) Config(names ...string) *stdtls.Config {
	return &stdtls.Config{
		Certificates: []stdtls.Certificate{ca.Issue(names...)},
		NextProtos:   []string{"http/1.1"},
	}
}

// Listener wraps inner so that what it accepts speaks TLS with a certificate for
// names: for code that has no business with crypto/tls itself.
func (ca *CA) Listener(inner net.Listener, names ...string) net.Listener {
	return stdtls.NewListener(inner, ca.Config(names...))
}

// AskingListener is [CA.Listener] for a server that wants a certificate of users's from
// each client.
func (ca *CA) AskingListener(inner net.Listener, users *CA, names ...string) net.Listener {
	config := ca.Config(names...)
	config.ClientAuth, config.ClientCAs = stdtls.RequireAndVerifyClientCert, users.Pool()
	return stdtls.NewListener(inner, config)
}

// Certificate returns the authority's own certificate. It is shared: do not change
// it.
func (ca *CA) Certificate() *x509.Certificate { return ca.cert }

// Pool returns a fresh pool holding the authority alone, to verify with.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// PEM returns the authority's certificate as SSL_CERT_FILE wants it.
func (ca *CA) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
}

// IssuePEM is [CA.Issue] for programs that read files: the chain, leaf first, and
// the key in PKCS #8.
func (ca *CA) IssuePEM(names ...string) (chain, key []byte) {
	cert := ca.Issue(names...)
	for _, der := range cert.Certificate {
		chain = append(chain, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		panic(fmt.Sprintf("nettest: marshal key: %v", err))
	}
	return chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func template(name string) *x509.Certificate {
	now := time.Now()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(fmt.Sprintf("nettest: serial number: %v", err))
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Kaon"}},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(24 * time.Hour),
	}
}

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("nettest: generate key: %v", err))
	}
	return key
}

func sign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		panic(fmt.Sprintf("nettest: sign certificate: %v", err))
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(fmt.Sprintf("nettest: parse own certificate: %v", err))
	}
	return cert
}
