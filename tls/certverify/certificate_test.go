package certverify_test

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/tls/certverify"
)

func TestCertificate(t *testing.T) {
	root := issue(t, "", nil, both(ca, func(c *x509.Certificate) {
		c.Subject = pkix.Name{Organization: []string{"Roots", "Others"}, OrganizationalUnit: []string{"Trust"}, Country: []string{"SE"}}
	}))
	leaf := issue(t, "localhost", root, both(names("localhost"), func(c *x509.Certificate) {
		c.SerialNumber = big.NewInt(0x0abc)
		c.Subject.Locality = []string{"Lund"}
		c.Subject.Province = []string{"Skåne"}
	}))
	got := certverify.NewCertificate(certs(leaf, root))
	if got.X509() != leaf.cert || got.IssuerCert.X509() != root.cert || got.IssuerCert.IssuerCert != nil {
		t.Errorf("got %v and issuers %v, want leaf and root", got.X509(), got.IssuerCert)
	}
	if block, rest := pem.Decode([]byte(got.Data)); block == nil || len(rest) != 0 || string(block.Bytes) != string(leaf.cert.Raw) {
		t.Errorf("data: got %q, want the certificate in PEM", got.Data)
	}
	hash := sha256.Sum256(leaf.cert.Raw)
	if want := "sha256/" + base64.StdEncoding.EncodeToString(hash[:]); got.Fingerprint != want {
		t.Errorf("fingerprint: got %q, want %q", got.Fingerprint, want)
	}
	if got.IssuerCert.Issuer.CommonName != "" || got.IssuerName != "Roots" {
		t.Errorf("issuer: got %q of %+v, want its organization", got.IssuerName, got.Issuer)
	}
	shown, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	// Names and values of Electron's structures.
	want := `"issuer":{"commonName":"","organizations":["Roots","Others"],"organizationUnits":["Trust"],"locality":"","state":"","country":"SE"},"issuerName":"Roots",`
	if !strings.Contains(string(shown), want) {
		t.Errorf("got %s, want %s in it", shown, want)
	}
	want = `"subject":{"commonName":"localhost","organizations":[],"organizationUnits":[],"locality":"Lund","state":"Skåne","country":""},"subjectName":"localhost","serialNumber":"0ABC","validStart":1780272000,"validExpiry":1780358400,`
	if !strings.Contains(string(shown), want) {
		t.Errorf("got %s, want %s in it", shown, want)
	}
	if c := certverify.NewCertificate(nil); c != nil {
		t.Errorf("of no chain: got %v, want nil", c)
	}
}

func TestCertificateNames(t *testing.T) {
	for _, c := range []struct {
		name pkix.Name
		want string
	}{
		{pkix.Name{CommonName: "cn", Organization: []string{"o"}}, "cn"},
		{pkix.Name{Organization: []string{"o"}, OrganizationalUnit: []string{"u"}}, "o"},
		{pkix.Name{OrganizationalUnit: []string{"u", "v"}}, "u"},
		{pkix.Name{Country: []string{"SE"}}, ""},
	} {
		id := issue(t, "", nil, func(x *x509.Certificate) { x.Subject = c.name })
		if got := certverify.NewCertificate(certs(id)).SubjectName; got != c.want {
			t.Errorf("%v: got %q, want %q", c.name, got, c.want)
		}
	}
}

// What JSON brings back is what it was given.
func TestCertificateJSON(t *testing.T) {
	c := certverify.NewCertificate(certs(issue(t, "leaf", nil, nil)))
	shown, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var back certverify.Certificate
	if err := json.Unmarshal(shown, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); !reflect.DeepEqual(again, shown) || back.X509() != nil {
		t.Errorf("got %s with %v, want %s with nil", again, back.X509(), shown)
	}
}
