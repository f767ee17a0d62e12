package tls

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"fmt"

	utls "github.com/refraction-networking/utls"

	"github.com/kaon-net/kaon/net/profile"
)

// keys are what takes the most time of making a hello: the pairs behind its key
// shares, and the key that a GREASE ECH shows.
type keys struct {
	private utls.KeySharePrivateKeys
	public  map[uint16][]byte // by group
	ech     []byte            // public; nobody has use for the private one
}

// checkKeyShares says why no keys can be made for the groups of a profile.
func checkKeyShares(groups []uint16) error {
	curves := 0
	for _, g := range groups {
		switch {
		case g == profile.GREASE || g == x25519MLKEM768:
		case curve(g) == nil:
			return fmt.Errorf("key share for group %04x, which is not known", g)
		default:
			curves++
		}
	}
	if curves > 1 {
		return fmt.Errorf("key shares for %d curves, and uTLS can use one", curves)
	}
	return nil
}

// makeKeys makes keys for groups that checkKeyShares has passed, each of its own: a
// browser uses no X25519 key twice.
func makeKeys(groups []uint16) *keys {
	k := &keys{public: make(map[uint16][]byte, len(groups))}
	for _, g := range groups {
		switch g {
		case profile.GREASE:
		case x25519MLKEM768:
			k.private.Mlkem, k.private.MlkemEcdhe = generate(mlkem.GenerateKey768()), newKey(ecdh.X25519())
			k.public[g] = append(k.private.Mlkem.EncapsulationKey().Bytes(), k.private.MlkemEcdhe.PublicKey().Bytes()...)
		default:
			k.private.CurveID, k.private.Ecdhe = utls.CurveID(g), newKey(curve(g))
			k.public[g] = k.private.Ecdhe.PublicKey().Bytes()
		}
	}
	if k.private.Ecdhe == nil {
		k.private.Ecdhe = k.private.MlkemEcdhe // uTLS takes a nil one for a fault
	}
	k.ech = newKey(ecdh.X25519()).PublicKey().Bytes()
	return k
}

const x25519MLKEM768 = 0x11ec

// curve returns nil for a group that is not a curve or not known.
func curve(group uint16) ecdh.Curve {
	switch group {
	case 0x0017:
		return ecdh.P256()
	case 0x0018:
		return ecdh.P384()
	case 0x0019:
		return ecdh.P521()
	case 0x001d:
		return ecdh.X25519()
	}
	return nil
}

func newKey(c ecdh.Curve) *ecdh.PrivateKey { return generate(c.GenerateKey(rand.Reader)) }

// generate returns a key that was just generated: since Go 1.24 the source of
// randomness ends the process rather than fail.
func generate[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}
