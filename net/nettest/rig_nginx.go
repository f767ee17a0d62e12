package nettest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// A NginxRig is a running nginx.
type NginxRig struct {
	Dir   string // everything it writes, logs included; its document root is www
	HTTP  string // "127.0.0.1:port"
	HTTPS string // the same with TLS; empty without a CA
}

// Nginx starts nginx (Debian's nginx-light is enough) and returns when it accepts
// connections; it is stopped with the test. See the package comment for what
// happens where it is not installed.
func Nginx(t testing.TB, config NginxConfig) *NginxRig {
	t.Helper()
	program := Program(t, "nginx", "nginx-light")
	// Between the choice of a port and its use somebody else may take it.
	var err error
	for range 3 {
		rig := &NginxRig{Dir: t.TempDir()}
		if err = rig.start(t, program, config); err == nil {
			return rig
		}
	}
	t.Fatalf("rig nginx: %v", err)
	return nil
}

func (r *NginxRig) start(t testing.TB, program string, config NginxConfig) error {
	t.Helper()
	r.HTTP = loopbackAddr(FreePort(t))
	listen := fmt.Sprintf("listen %s;\n", r.HTTP)
	ready := []string{r.HTTP}
	files := map[string][]byte{"www/.keep": nil}
	if config.CA != nil {
		r.HTTPS = loopbackAddr(FreePort(t))
		ready = append(ready, r.HTTPS)
		protocol := "ssl"
		if config.HTTP2 {
			protocol = "ssl http2"
		}
		listen += fmt.Sprintf("listen %s %s;\nssl_certificate chain.pem;\nssl_certificate_key key.pem;\n", r.HTTPS, protocol)
		files["chain.pem"], files["key.pem"] = config.CA.IssuePEM("localhost", "127.0.0.1")
	}
	for name, content := range config.Files {
		files[filepath.Join("www", filepath.FromSlash(name))] = content
	}
	files["nginx.conf"] = []byte(strings.NewReplacer(
		"$DIR", r.Dir, "$LISTEN", listen, "$SERVER", config.Server,
	).Replace(nginxConf))
	for name, content := range files {
		path := filepath.Join(r.Dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.Command(program, "-p", r.Dir, "-c", filepath.Join(r.Dir, "nginx.conf"), "-e", "stderr")
	return startDaemon(t, cmd, ready...)
}

// One process in the foreground, with every file it might write in the rig's
// folder. Certificates are found relative to the configuration.
const nginxConf = `
daemon off;
master_process off;
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

func loopbackAddr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
