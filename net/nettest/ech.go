package nettest

import (
	"crypto/ecdh"
	"crypto/rand"
	stdtls "crypto/tls"
	"encoding/binary"
	"fmt"
)

// ECHKey makes a server's key for Encrypted ClientHello under a public name, and the
// list that an HTTPS record would carry (RFC 9849 section 4). kem 0x0020 is the one
// that everybody knows. The server offers the key to clients that have a wrong one.
func ECHKey(id byte, kem uint16, publicName string) (key stdtls.EncryptedClientHelloKey, list []byte) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("nettest: generate key: %v", err))
	}
	var c []byte
	c = binary.BigEndian.AppendUint16(append(c, id), kem)
	c = append(binary.BigEndian.AppendUint16(c, 32), private.PublicKey().Bytes()...)
	c = append(c, 0, 4, 0, 1, 0, 1) // HKDF-SHA256, AES-128-GCM
	c = append(append(c, 32, byte(len(publicName))), publicName...)
	c = append(c, 0, 0)
	config := append(binary.BigEndian.AppendUint16([]byte{0xfe, 0x0d}, uint16(len(c))), c...)
	list = append(binary.BigEndian.AppendUint16(nil, uint16(len(config))), config...)
	return stdtls.EncryptedClientHelloKey{Config: config, PrivateKey: private.Bytes(), SendAsRetry: true}, list
}
