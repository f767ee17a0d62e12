package nettest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// NginxConfig says what [Nginx] serves. The zero value serves an empty folder over
// HTTP.
type NginxConfig struct {
	// Server is put into the server block as it is: locations, keepalive_requests,
	// limit_rate and the like.
	Server string
	// Files are written to the document root, by their path in it.
	Files map[string][]byte
	// CA makes it listen with TLS too, with a certificate for localhost and
	// 127.0.0.1; nil does not.
	CA *CA
	// HTTP2 has the TLS side offer HTTP/2 as well.
	HTTP2 bool
}

// Nginx starts nginx (Debian's nginx-light is enough) with one worker. See the
// package comment for what happens where it is not installed.
func Nginx(t testing.TB, config NginxConfig) *Rig {
	t.Helper()
	program := Program(t, "nginx", "nginx-light")
	return startRig(t, "nginx", func(r *Rig) error {
		r.HTTP = loopbackAddr(FreePort(t))
		listen := fmt.Sprintf("listen %s;\n", r.HTTP)
		files := map[string][]byte{"www/.keep": nil}
		if config.CA != nil {
			r.HTTPS = loopbackAddr(FreePort(t))
			protocol := "ssl"
			if config.HTTP2 {
				protocol = "ssl http2"
			}
			listen += fmt.Sprintf("listen %s %s;\nssl_certificate chain.pem;\nssl_certificate_key key.pem;\n", r.HTTPS, protocol)
			files["chain.pem"], files["key.pem"] = config.CA.IssuePEM("localhost", "127.0.0.1")
		}
		for name, content := range config.Files {
			files["www/"+name] = content
		}
		files["nginx.conf"] = []byte(strings.NewReplacer(
			"$DIR", r.Dir, "$LISTEN", listen, "$SERVER", config.Server,
		).Replace(nginxConf))
		args := []string{"-p", r.Dir, "-c", filepath.Join(r.Dir, "nginx.conf"), "-e", "stderr"}
		r.command = func() *exec.Cmd { return exec.Command(program, args...) }
		r.reload = func() error { return run(exec.Command(program, append(args, "-s", "reload")...)) }
		return writeFiles(r.Dir, files)
	})
}

// In the foreground, with every file it might write in the rig's folder, which no
// other user may enter. Certificates are found relative to the configuration.
const nginxConf = `
daemon off;
user root root; # means nothing unless root starts it
worker_processes 1;
pid $DIR/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
	access_log off;
	types { text/html html; text/plain txt; application/json json; }
	default_type application/octet-stream;
	client_body_temp_path $DIR/body;
	proxy_temp_path $DIR/proxy;
	fastcgi_temp_path $DIR/fastcgi;
	uwsgi_temp_path $DIR/uwsgi;
	scgi_temp_path $DIR/scgi;
	server {
		$LISTEN
		server_name localhost;
		root $DIR/www;
		$SERVER
	}
}
`
