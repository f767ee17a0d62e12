package mdns_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/mdns"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/nettest"
	"github.com/kaon-net/kaon/netlog"
)

// TestAvahi asks a real responder on the other side of a virtual cable: two network
// namespaces, in one of which this test runs again.
func TestAvahi(t *testing.T) {
	daemon := nettest.Program(t, "avahi-daemon", "avahi-daemon")
	ip := nettest.Program(t, "ip", "iproute2")
	if os.Geteuid() != 0 {
		if os.Getenv("KAON_RIGS") == "required" {
			t.Fatal("KAON_RIGS=required is set, and network namespaces need root")
		}
		t.Skip("network namespaces need root")
	}
	if !nettest.InNamespace(t) {
		return
	}
	nettest.CheckGoroutines(t)
	run(t, ip, "link", "add", "near0", "type", "veth", "peer", "name", "far0")
	startAvahi(t, daemon, ip)
	run(t, ip, "addr", "add", "2001:db8::1/64", "dev", "near0", "nodad")
	run(t, ip, "link", "set", "near0", "up")

	c := mdns.Client{Timeout: 300 * time.Millisecond} // it finds the interface by itself
	query := func(name string, typ dnswire.Type) (*dnswire.Answer, error) {
		return c.Query(t.Context(), dnswire.Question{Name: name, Type: typ}, netlog.Source{})
	}
	// One version of IP after the other.
	nettest.Eventually(t, "an answer over IPv6", func() bool {
		a, err := query("rigbox.local", dnswire.AAAA)
		return err == nil && slices.Contains(a.Addrs, addrs("2001:db8::2")[0])
	})
	run(t, ip, "-6", "addr", "flush", "dev", "near0")
	run(t, ip, "addr", "add", "192.0.2.1/24", "dev", "near0")
	nettest.Eventually(t, "an answer over IPv4", func() bool {
		a, err := query("rigbox.local", dnswire.A)
		return err == nil && slices.Equal(a.Addrs, addrs("192.0.2.2"))
	})
	for _, tc := range []struct {
		name string
		typ  dnswire.Type
		want dnswire.Answer
	}{
		{"_http._tcp.local", dnswire.PTR, dnswire.Answer{Names: []string{"rigweb._http._tcp.local"}}},
		{"rigweb._http._tcp.local", dnswire.SRV, dnswire.Answer{Servers: []dnswire.Server{{Port: 8080, Target: "rigbox.local"}}}},
		{"rigweb._http._tcp.local", dnswire.TXT, dnswire.Answer{Texts: [][]string{{"path=/rig"}}}},
	} {
		var got *dnswire.Answer
		nettest.Eventually(t, tc.typ.String()+" of "+tc.name, func() bool {
			var err error
			got, err = query(tc.name, tc.typ)
			return err == nil
		})
		if got.TTL <= 0 || got.TTL > 10*time.Second { // RFC 6762 section 6.7
			t.Errorf("%s %v: got a TTL of %v, want one of a single answer", tc.name, tc.typ, got.TTL)
		}
		tc.want.CanonicalName, tc.want.TTL, tc.want.Known = tc.name, got.TTL, true
		if !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s %v: got %+v, want %+v", tc.name, tc.typ, got, tc.want)
		}
	}
	if a, err := query("nobody.local", dnswire.A); !errors.Is(err, neterr.NameNotResolved) || !errors.Is(err, neterr.DNSTimedOut) {
		t.Errorf("nobody.local: got %+v, %v, want %v", a, err, neterr.NameNotResolved)
	}
}

const avahiConf = `
[server]
host-name=rigbox
enable-dbus=no
allow-interfaces=far0
use-ipv4=yes
use-ipv6=yes
[publish]
publish-workstation=no
publish-hinfo=no
`

const avahiService = `<?xml version="1.0"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
<name>rigweb</name>
<service><type>_http._tcp</type><port>8080</port><txt-record>path=/rig</txt-record></service>
</service-group>
`

// The daemon's own files are in a mount namespace, too. It begins when its end of the
// cable has been brought.
const avahiScript = `set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir /run/avahi-daemon
mount --bind "$DIR/services" /etc/avahi/services
read go
"$IP" link set lo up
"$IP" addr add 192.0.2.2/24 dev far0
"$IP" addr add 2001:db8::2/64 dev far0 nodad
"$IP" link set far0 up
exec "$DAEMON" -f "$DIR/conf" --no-drop-root --no-chroot --no-rlimits
`

func startAvahi(t *testing.T, daemon, ip string) {
	dir := t.TempDir()
	for name, content := range map[string]string{"conf": avahiConf, "services/rigweb.service": avahiService} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", avahiScript)
	cmd.Env = append(os.Environ(), "DIR="+dir, "IP="+ip, "DAEMON="+daemon)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	run(t, ip, "link", "set", "far0", "netns", strconv.Itoa(cmd.Process.Pid))
	if _, err := stdin.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
}
