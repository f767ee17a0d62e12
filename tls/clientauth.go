package tls

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	stdtls "crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
)

// A ClientCertificate proves to a server who we are.
type ClientCertificate struct {
	Chain []*x509.Certificate // our own first, then as many of its issuers as the server needs
	Key   crypto.Signer       // an RSA, ECDSA or Ed25519 key, wherever it is kept; it may be asked at the same time
}

// A ClientAuthError says that a server wants a client certificate and that nothing was
// chosen for it yet. It is the cause of a neterr.SSLClientAuthCertNeeded:
//
//	var want *tls.ClientAuthError
//	if errors.As(err, &want) {
//		err := client.SetClientCertificate(want.Host, want.Port, mine)
//		…
//		conn, err = client.Handshake(ctx, anotherRaw, request)
//	}
type ClientAuthError struct {
	Host             string
	Port             uint16
	Authorities      [][]byte                 // names of acceptable issuers, as DER; empty: any
	SignatureSchemes []stdtls.SignatureScheme // that the server can verify
}

func (e *ClientAuthError) Error() string { return "the server wants a client certificate" }

// Accepts reports whether c could be what the server wants: valid now, and issued by
// one of the authorities as far as c's chain tells. Browsers let their users choose
// among those.
func (e *ClientAuthError) Accepts(c *ClientCertificate, now time.Time) bool {
	if len(c.Chain) == 0 || now.Before(c.Chain[0].NotBefore) || now.After(c.Chain[0].NotAfter) {
		return false
	}
	return len(e.Authorities) == 0 || slices.ContainsFunc(c.Chain, func(cert *x509.Certificate) bool {
		return slices.ContainsFunc(e.Authorities, func(name []byte) bool { return string(name) == string(cert.RawIssuer) })
	})
}

// SetClientCertificate remembers what to show to a server that asks: c, or with a nil
// c that there is none. Host is as in [Request]. Sessions made before are not resumed
// for that server. It lasts until the server, or the key, refuses to go on with it.
//
// The error is neterr.SSLClientAuthCertNoPrivateKey if the key is not the
// certificate's, and neterr.SSLClientAuthCertBadFormat if there is no certificate or
// no way to sign with a key of that kind.
func (c *Client) SetClientCertificate(host string, port uint16, cert *ClientCertificate) error {
	id := new(identity)
	if cert != nil {
		if err := cert.check(); err != nil {
			return err
		}
		id.key = cert.Key
		for _, x := range cert.Chain {
			id.chain = append(id.chain, x.Raw)
		}
	}
	c.identities.set(serverAddr{host, port}, id)
	return nil
}

// HasClientCertificate reports whether SetClientCertificate's choice for a server
// stands, if that was nil, too.
func (c *Client) HasClientCertificate(host string, port uint16) bool {
	return c.identities.get(serverAddr{host, port}) != nil
}

// ClearClientCertificates forgets all choices, and with them the sessions made under
// them.
func (c *Client) ClearClientCertificates() { c.identities.clear() }

func (cert *ClientCertificate) check() error {
	fail := func(code neterr.Code, err error) error {
		return &neterr.Error{Code: code, Op: "set client certificate", Err: err}
	}
	if len(cert.Chain) == 0 {
		return fail(neterr.SSLClientAuthCertBadFormat, errors.New("no certificate"))
	}
	if cert.Key == nil {
		return fail(neterr.SSLClientAuthCertNoPrivateKey, errors.New("no key"))
	}
	public, ok := cert.Chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(cert.Key.Public()) {
		return fail(neterr.SSLClientAuthCertNoPrivateKey, errors.New("the key is not the certificate's"))
	}
	switch public.(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return nil
	}
	return fail(neterr.SSLClientAuthCertBadFormat, fmt.Errorf("key of type %T", public))
}

// An identity is one choice for one server. Its address tells it from the next: the
// sessions made with it belong to it.
type identity struct {
	chain [][]byte // nil shows none
	key   crypto.Signer
}

type serverAddr struct {
	host string
	port uint16
}

// identities remembers choices: as many as the program makes.
type identities struct {
	mu      sync.Mutex
	servers map[serverAddr]*identity
}

func (l *identities) get(addr serverAddr) *identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.servers[addr]
}

func (l *identities) set(addr serverAddr, id *identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers == nil {
		l.servers = make(map[serverAddr]*identity)
	}
	l.servers[addr] = id
}

// drop forgets id, unless another choice was made meanwhile.
func (l *identities) drop(addr serverAddr, id *identity) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.servers[addr] == id {
		delete(l.servers, addr)
	}
}

func (l *identities) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.servers)
}
