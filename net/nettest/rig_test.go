package nettest_test

import (
	stdtls "crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/nettest"
)

func TestNginx(t *testing.T) {
	nettest.CheckGoroutines(t)
	var addrs []string
	t.Run("serve", func(t *testing.T) {
		ca := nettest.NewCA()
		rig := nettest.Nginx(t, nettest.NginxConfig{
			Server: `location /hi { return 200 "hi from nginx"; }`,
			Files:  map[string][]byte{"a/b.txt": []byte("a file")},
			CA:     ca,
		})
		addrs = append(addrs, rig.HTTP, rig.HTTPS)
		transport := &http.Transport{TLSClientConfig: &stdtls.Config{RootCAs: ca.Pool()}}
		defer transport.CloseIdleConnections()
		client := &http.Client{Transport: transport}
		tests := []struct{ url, want string }{
			{"http://" + rig.HTTP + "/hi", "hi from nginx"},
			{"http://" + rig.HTTP + "/a/b.txt", "a file"},
			{"https://" + rig.HTTPS + "/hi", "hi from nginx"},
		}
		for _, tt := range tests {
			resp, err := client.Get(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(got) != tt.want || err != nil {
				t.Errorf("%s: got %q, %v; want %q", tt.url, got, err, tt.want)
			}
		}
	})
	for _, addr := range addrs {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("nginx outlived its test at %s", addr)
		}
	}
}

func TestNginxBadConfig(t *testing.T) {
	nettest.Program(t, "nginx", "nginx-light")
	r := &recorder{TB: t}
	nettest.Nginx(r, nettest.NginxConfig{Server: "no_such_directive;"})
	r.finish()
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "no_such_directive") {
		t.Errorf("got %q, want one failure with what nginx printed", r.failures)
	}
}

func TestProgramMissing(t *testing.T) {
	tests := []struct {
		env, wantSkip, wantFail string
	}{
		{env: "", wantSkip: "install the package no-such-package"},
		{env: "required", wantFail: "install the package no-such-package"},
	}
	for _, tt := range tests {
		t.Run("KAON_RIGS="+tt.env, func(t *testing.T) {
			t.Setenv("KAON_RIGS", tt.env)
			r := &recorder{TB: t}
			nettest.Program(r, "no-such-program", "no-such-package")
			if tt.wantSkip != "" && !strings.Contains(r.skipped, tt.wantSkip) {
				t.Errorf("skipped: got %q, want %q in it", r.skipped, tt.wantSkip)
			}
			if got := fmt.Sprint(r.failures); tt.wantFail != "" && !strings.Contains(got, tt.wantFail) || tt.wantFail == "" && len(r.failures) > 0 {
				t.Errorf("failures: got %v, want %q in them", got, tt.wantFail)
			}
		})
	}
}

func TestFreePort(t *testing.T) {
	port := nettest.FreePort(t)
	ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatalf("port %d is not free: %v", port, err)
	}
	ln.Close()
}
