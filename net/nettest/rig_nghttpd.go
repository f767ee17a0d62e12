package nettest

import (
	"net"
	"os/exec"
	"path/filepath"
	"testing"
)

// NghttpdConfig says what [Nghttpd] serves. It needs a CA.
type NghttpdConfig struct {
	// Args are options, as --max-concurrent-streams=10, --echo-upload or --trailer.
	Args []string
	// Files are written to the document root, by their path in it.
	Files map[string][]byte
	// CA issues its certificate, for localhost and 127.0.0.1.
	CA *CA
}

// Nghttpd starts nghttp2's own server, which speaks HTTP/2 over TLS and nothing
// else. See the package comment for what happens where it is not installed.
func Nghttpd(t testing.TB, config NghttpdConfig) *Rig {
	t.Helper()
	program := Program(t, "nghttpd", "nghttp2-server")
	return startRig(t, "nghttpd", func(r *Rig) error {
		r.HTTPS = loopbackAddr(FreePort(t))
		files := map[string][]byte{"www/.keep": nil}
		files["chain.pem"], files["key.pem"] = config.CA.IssuePEM("localhost", "127.0.0.1")
		for name, content := range config.Files {
			files["www/"+name] = content
		}
		host, port, err := net.SplitHostPort(r.HTTPS)
		if err != nil {
			return err
		}
		args := append([]string{"--address=" + host, "--htdocs=" + filepath.Join(r.Dir, "www")}, config.Args...)
		args = append(args, port, filepath.Join(r.Dir, "key.pem"), filepath.Join(r.Dir, "chain.pem"))
		r.command = func() *exec.Cmd { return exec.Command(program, args...) }
		return writeFiles(r.Dir, files)
	})
}
