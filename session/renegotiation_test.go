package session_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
)

// A prompt is openssl s_server with somebody at its keyboard, who is told of requests.
type prompt struct {
	url      string
	keyboard io.Writer
	requests <-chan struct{}
}

func newPrompt(t *testing.T, ca, users *nettest.CA) *prompt {
	t.Helper()
	program := nettest.Program(t, "openssl", "openssl")
	dir := t.TempDir()
	chain, key := ca.IssuePEM("127.0.0.1")
	for name, b := range map[string][]byte{"cert.pem": chain, "key.pem": key, "users.pem": users.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(nettest.FreePort(t)))
	cmd := exec.CommandContext(t.Context(), program, "s_server", "-accept", addr, "-tls1_2", "-crlf", "-alpn", "http/1.1",
		"-cert", "cert.pem", "-key", "key.pem", "-CAfile", "users.pem")
	cmd.Dir = dir
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	accepting, requests, over := make(chan struct{}), make(chan struct{}, 8), make(chan struct{})
	go func() {
		defer close(over)
		lines := bufio.NewScanner(screen)
		for lines.Scan() {
			switch line := lines.Text(); {
			case line == "ACCEPT":
				select {
				case <-accepting:
				default:
					close(accepting)
				}
			case strings.HasPrefix(line, "POST / "):
				requests <- struct{}{}
			}
		}
	}()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-over; _ = cmd.Wait() })
	select {
	case <-accepting:
	case <-over:
		t.Fatal("openssl s_server ended")
	}
	return &prompt{"https://" + addr + "/", keyboard, requests}
}

// reply waits for a request and types text.
func (p *prompt) reply(t *testing.T, answers <-chan answer, text string) {
	t.Helper()
	select {
	case <-p.requests:
		io.WriteString(p.keyboard, text)
	case a := <-answers:
		t.Fatalf("answered %q, %v before the request came", a.body, a.err)
	}
}

// A server may ask who we are when it has read the request. The selector chooses then,
// and the request is sent again, if it can be.
func TestClientCertificateByRenegotiation(t *testing.T) {
	nettest.CheckGoroutines(t)
	ca, users := nettest.NewCA(), nettest.NewCA()
	for _, replay := range []bool{true, false} {
		for _, d := range doors {
			p := newPrompt(t, ca, users)
			s := newSession(t, trusting(ca))
			w := &wallet{cert: user(users, "alice")}
			s.SetClientCertificateSelector(w.choose)
			ctx, cancel := context.WithTimeout(t.Context(), never)
			defer cancel()
			answers := make(chan answer, 1)
			go func() { answers <- d.do(ctx, s, call{url: p.url, method: "POST", body: "x", replay: replay}) }()
			p.reply(t, answers, "R\n")
			if !replay {
				if a := <-answers; neterr.CodeOf(a.err) != neterr.SSLClientAuthCertNeeded || w.asked.Load() != 0 {
					t.Errorf("%s: a body that is gone: got %v after %d questions, want %v", d.name, a.err, w.asked.Load(), neterr.SSLClientAuthCertNeeded)
				}
				continue
			}
			p.reply(t, answers, "HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
			if a := <-answers; a.err != nil || a.body != "ok" || w.asked.Load() != 1 {
				t.Errorf("%s: got %q, %v after %d questions, want ok after one", d.name, a.body, a.err, w.asked.Load())
			}
		}
	}
}
