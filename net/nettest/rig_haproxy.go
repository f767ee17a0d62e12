package nettest

import (
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// HAProxyConfig says what [HAProxy] serves. The zero value answers every request
// with 503 over HTTP.
type HAProxyConfig struct {
	// Global, Frontend and Backend are put into those sections as they are, Frontend
	// into the one with TLS as well.
	Global, Frontend, Backend string
	// CA makes it listen with TLS too, for HTTP/2 and HTTP/1.1, with a certificate
	// for localhost and 127.0.0.1; nil does not.
	CA *CA
}

// HAProxy starts haproxy as a master with one worker. See the package comment for
// what happens where it is not installed.
func HAProxy(t testing.TB, config HAProxyConfig) *Rig {
	t.Helper()
	program := Program(t, "haproxy", "haproxy")
	return startRig(t, "haproxy", func(r *Rig) error {
		r.HTTP = loopbackAddr(FreePort(t))
		files := map[string][]byte{}
		secure := ""
		if config.CA != nil {
			r.HTTPS = loopbackAddr(FreePort(t))
			secure = haproxySecure
			chain, key := config.CA.IssuePEM("localhost", "127.0.0.1")
			files["both.pem"] = append(chain, key...)
		}
		files["haproxy.cfg"] = []byte(strings.NewReplacer(
			"$DIR", r.Dir, "$HTTPS", r.HTTPS, "$HTTP", r.HTTP,
			"$GLOBAL", config.Global, "$FRONTEND", config.Frontend, "$BACKEND", config.Backend,
		).Replace(haproxyConf + secure))
		master := filepath.Join(r.Dir, "master")
		r.command = func() *exec.Cmd {
			return exec.Command(program, "-W", "-db", "-S", master, "-f", filepath.Join(r.Dir, "haproxy.cfg"))
		}
		r.reload = func() error { return tellMaster(master, "reload") }
		return writeFiles(r.Dir, files)
	})
}

// tellMaster gives a command to the master's socket, as soon as there is one: the
// master begins anew with every reload. It may close without an answer.
func tellMaster(socket, command string) error {
	var c net.Conn
	var err error
	poll(func() bool {
		c, err = net.DialTimeout("unix", socket, patience)
		return err == nil
	})
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, command+"\n"); err != nil {
		return err
	}
	io.Copy(io.Discard, c)
	return nil
}

// A new worker takes over the sockets of the one before, so that no connection is
// refused.
const haproxyConf = `
global
	stats socket $DIR/stats level admin expose-fd listeners
	nbthread 1
	$GLOBAL
defaults
	mode http
	timeout connect 5s
	timeout client 1m
	timeout server 1m
backend behind
	$BACKEND
frontend plain
	bind $HTTP
	default_backend behind
	$FRONTEND
`

const haproxySecure = `
frontend secure
	bind $HTTPS ssl crt $DIR/both.pem alpn h2,http/1.1
	default_backend behind
	$FRONTEND
`
