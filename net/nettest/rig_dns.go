package nettest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// NamedConfig says what [Named] serves.
type NamedConfig struct {
	// Origin is the name of its one zone, as "rig.test".
	Origin string
	// Records are the zone's beside its SOA and NS records, as a zone file has them.
	// The default TTL is a minute, and a negative answer is good for 30 s.
	Records string
	// Options is put into the options block as it is.
	Options string
	// CA makes it serve DNS over HTTPS too, at /dns-query and over HTTP/2 alone, with a
	// certificate for localhost and 127.0.0.1; HTTP is the same without TLS.
	CA *CA
}

// Named starts BIND's named (Debian's bind9). See the package comment for what happens
// where it is not installed.
func Named(t testing.TB, config NamedConfig) *Rig {
	t.Helper()
	program := Program(t, "named", "bind9")
	rig := startRig(t, "named", func(r *Rig) error {
		port, err := freeDNSPort()
		if err != nil {
			return err
		}
		r.DNS = loopbackAddr(port)
		files := map[string][]byte{}
		secure, listen := "", ""
		if config.CA != nil {
			https, http := FreePort(t), FreePort(t)
			r.HTTPS, r.HTTP = loopbackAddr(https), loopbackAddr(http)
			secure = namedSecure
			listen = fmt.Sprintf("listen-on port %d tls rig http rig { 127.0.0.1; };\n"+
				"listen-on port %d tls none http rig { 127.0.0.1; };", https, http)
			files["chain.pem"], files["key.pem"] = config.CA.IssuePEM("localhost", "127.0.0.1")
		}
		replacer := strings.NewReplacer("$DIR", r.Dir, "$PORT", strconv.Itoa(port), "$LISTEN", listen,
			"$OPTIONS", config.Options, "$ZONE", config.Origin, "$RECORDS", config.Records)
		files["zone"] = []byte(replacer.Replace(namedZone))
		files["named.conf"] = []byte(replacer.Replace(namedConf + secure))
		r.command = func() *exec.Cmd {
			return exec.Command(program, "-f", "-g", "-c", filepath.Join(r.Dir, "named.conf"))
		}
		return writeFiles(r.Dir, files)
	})
	// It listens before it has read its zone, and goes on if that cannot be read.
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", rig.DNS)
	}}
	Eventually(t, "an answer of named from "+config.Origin, func() bool {
		_, err := resolver.LookupNS(t.Context(), config.Origin+".")
		return err == nil
	})
	return rig
}

const namedConf = `
options {
	directory "$DIR";
	pid-file "$DIR/named.pid";
	session-keyfile "$DIR/session.key";
	listen-on port $PORT { 127.0.0.1; };
	listen-on-v6 { none; };
	$LISTEN
	recursion no;
	dnssec-validation no;
	notify no;
	minimal-responses yes;
	$OPTIONS
};
controls { };
zone "$ZONE" { type primary; file "$DIR/zone"; };
`

const namedSecure = `
tls rig { cert-file "$DIR/chain.pem"; key-file "$DIR/key.pem"; };
http rig { endpoints { "/dns-query"; }; };
`

const namedZone = `
$TTL 60
$ORIGIN $ZONE.
@ SOA ns admin 1 3600 600 86400 30
@ NS ns
ns A 127.0.0.1
$RECORDS
`

// Dnsdist starts dnsdist, a proxy for DNS that treats questions as lua says, most of all
// badly: DropAction(), DelayAction(ms), RCodeAction(DNSRCode.SERVFAIL), TCAction(). It
// asks upstream for the rest, the DNS of another rig; empty if there is none.
func Dnsdist(t testing.TB, upstream, lua string) *Rig {
	t.Helper()
	program := Program(t, "dnsdist", "dnsdist")
	return startRig(t, "dnsdist", func(r *Rig) error {
		port, err := freeDNSPort()
		if err != nil {
			return err
		}
		r.DNS = loopbackAddr(port)
		conf := fmt.Sprintf("setLocal(%q)\nsetSecurityPollSuffix(\"\")\n", r.DNS)
		if upstream != "" {
			conf += fmt.Sprintf("newServer({address=%q, healthCheckMode=\"up\"})\n", upstream)
		}
		r.command = func() *exec.Cmd {
			return exec.Command(program, "--supervised", "--disable-syslog", "-C", filepath.Join(r.Dir, "dnsdist.conf"))
		}
		return writeFiles(r.Dir, map[string][]byte{"dnsdist.conf": []byte(conf + lua)})
	})
}

// Dnsmasq starts dnsmasq with options, as --address=/mq.test/192.0.2.1, beside those
// that keep it from the system's configuration.
func Dnsmasq(t testing.TB, options ...string) *Rig {
	t.Helper()
	program := Program(t, "dnsmasq", "dnsmasq-base")
	return startRig(t, "dnsmasq", func(r *Rig) error {
		port, err := freeDNSPort()
		if err != nil {
			return err
		}
		r.DNS = loopbackAddr(port)
		args := append([]string{
			"--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file=", "--user=",
			"--listen-address=127.0.0.1", "--bind-interfaces", "--port=" + strconv.Itoa(port),
		}, options...)
		r.command = func() *exec.Cmd { return exec.Command(program, args...) }
		return nil
	})
}

// Unbound starts unbound with settings, as local-data: "h.test. A 192.0.2.1", in its
// server block.
func Unbound(t testing.TB, settings string) *Rig {
	t.Helper()
	program := Program(t, "unbound", "unbound")
	return startRig(t, "unbound", func(r *Rig) error {
		port, err := freeDNSPort()
		if err != nil {
			return err
		}
		r.DNS = loopbackAddr(port)
		conf := strings.NewReplacer("$PORT", strconv.Itoa(port), "$DIR", r.Dir, "$SETTINGS", settings).Replace(unboundConf)
		r.command = func() *exec.Cmd {
			return exec.Command(program, "-d", "-c", filepath.Join(r.Dir, "unbound.conf"))
		}
		return writeFiles(r.Dir, map[string][]byte{"unbound.conf": []byte(conf)})
	})
}

const unboundConf = `
server:
	interface: 127.0.0.1@$PORT
	directory: "$DIR"
	pidfile: ""
	chroot: ""
	username: ""
	use-syslog: no
	do-daemonize: no
	do-not-query-localhost: no
	module-config: "iterator"
	local-zone: "test." nodefault
$SETTINGS
remote-control:
	control-enable: no
`

// freeDNSPort returns a port of 127.0.0.1 that nobody listened at a moment ago, over
// UDP or TCP.
func freeDNSPort() (int, error) {
	var last error
	for range 10 {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		conn, err := net.ListenPacket("udp4", ln.Addr().String())
		ln.Close()
		if err == nil {
			conn.Close()
			return ln.Addr().(*net.TCPAddr).Port, nil
		}
		last = err
	}
	return 0, last
}
