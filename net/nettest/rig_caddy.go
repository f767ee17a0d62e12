package nettest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// CaddyConfig says what [Caddy] serves. The zero value answers every request with an
// empty 200 over HTTP.
type CaddyConfig struct {
	// Site is put into the site blocks as it is: respond, reverse_proxy, header and
	// the like.
	Site string
	// Servers is put into the global option of that name, as timeouts.
	Servers string
	// CA makes it listen with TLS too, for HTTP/2 and HTTP/1.1, with a certificate
	// for localhost and 127.0.0.1; nil does not.
	CA *CA
	// HTTP3 makes it serve HTTP/3 at the UDP port of the same number, and say so.
	HTTP3 bool
}

// Caddy starts caddy. See the package comment for what happens where it is not
// installed.
func Caddy(t testing.TB, config CaddyConfig) *Rig {
	t.Helper()
	program := Program(t, "caddy", "caddy")
	return startRig(t, "caddy", func(r *Rig) error {
		r.HTTP = loopbackAddr(FreePort(t))
		files := map[string][]byte{}
		secure := ""
		if config.CA != nil {
			r.HTTPS = loopbackAddr(FreePort(t))
			secure = caddySecure
			files["chain.pem"], files["key.pem"] = config.CA.IssuePEM("localhost", "127.0.0.1")
		}
		protocols := "h1 h2"
		if config.HTTP3 {
			protocols += " h3"
		}
		admin := loopbackAddr(FreePort(t))
		files["Caddyfile"] = []byte(strings.NewReplacer(
			"$DIR", r.Dir, "$ADMIN", admin, "$SERVERS", config.Servers, "$PROTOCOLS", protocols,
			"$HTTPS", r.HTTPS, "$HTTP", r.HTTP, "$SITE", config.Site,
		).Replace(caddyConf + secure))
		command := func(verb string, args ...string) *exec.Cmd {
			args = append([]string{verb, "--config", filepath.Join(r.Dir, "Caddyfile"), "--adapter", "caddyfile"}, args...)
			cmd := exec.Command(program, args...)
			cmd.Env = append(os.Environ(), "HOME="+r.Dir, "XDG_CONFIG_HOME="+r.Dir, "XDG_DATA_HOME="+r.Dir)
			return cmd
		}
		r.command = func() *exec.Cmd { return command("run") }
		// It does nothing unasked if the configuration is the same.
		r.reload = func() error { return run(command("reload", "--address", admin, "--force")) }
		return writeFiles(r.Dir, files)
	})
}

// Without certificates of its own making and chatter. A site without bind
// listens at all addresses.
const caddyConf = `
{
	admin $ADMIN
	auto_https off
	storage file_system $DIR/storage
	log {
		level ERROR
	}
	servers {
		protocols $PROTOCOLS
		$SERVERS
	}
}
http://$HTTP {
	bind 127.0.0.1
	$SITE
}
`

const caddySecure = `
https://$HTTPS {
	bind 127.0.0.1
	tls $DIR/chain.pem $DIR/key.pem
	$SITE
}
`
