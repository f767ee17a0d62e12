package nettest

import (
	"maps"
	"os/exec"
	"path/filepath"
	"testing"
)

// OpenSSLConfig says what [OpenSSL] serves.
type OpenSSLConfig struct {
	// Args are options of s_server, as -tls1_2 or -Verify=1, after those that a rig
	// needs. File names in them are relative to the rig's folder.
	Args []string
	// Files are written to the rig's folder, by their path in it.
	Files map[string][]byte

	// Leaf and Key are its certificate and key in PEM, Chain the certificates it sends
	// along, in that order. An empty Leaf takes a certificate for localhost and
	// 127.0.0.1 from CA.
	Leaf, Key, Chain []byte
	CA               *CA
}

// OpenSSL starts openssl s_server, which makes every handshake that its options ask
// for, whatever it is worth: keys and hashes of old among them. It answers a GET with
// a page about the connection, one connection after the other.
func OpenSSL(t testing.TB, config OpenSSLConfig) *Rig {
	t.Helper()
	program := Program(t, "openssl", "openssl")
	return startRig(t, "openssl", func(r *Rig) error {
		r.HTTPS = loopbackAddr(FreePort(t))
		files := map[string][]byte{"leaf.pem": config.Leaf, "key.pem": config.Key, "chain.pem": config.Chain}
		if len(config.Leaf) == 0 {
			files["leaf.pem"], files["key.pem"] = config.CA.IssuePEM("localhost", "127.0.0.1")
		}
		args := []string{
			"s_server", "-accept", r.HTTPS, "-www",
			"-cert", filepath.Join(r.Dir, "leaf.pem"), "-key", filepath.Join(r.Dir, "key.pem"),
			"-cipher", "ALL:@SECLEVEL=0",
		}
		if len(config.Chain) > 0 {
			args = append(args, "-cert_chain", filepath.Join(r.Dir, "chain.pem"))
		}
		args = append(args, config.Args...)
		maps.Copy(files, config.Files)
		r.command = func() *exec.Cmd {
			cmd := exec.Command(program, args...)
			cmd.Dir = r.Dir
			return cmd
		}
		return writeFiles(r.Dir, files)
	})
}
