package nettest

import (
	"net"
	"os/exec"
	"testing"
)

// RedisConfig says how [Redis] runs.
type RedisConfig struct {
	// Args are options, as "--cluster-enabled", "yes".
	Args []string
}

// Redis starts redis-server, which keeps everything in memory and forgets it at a
// Restart. See the package comment for what happens where it is not installed.
func Redis(t testing.TB, config RedisConfig) *Rig {
	t.Helper()
	program := Program(t, "redis-server", "redis-server")
	return startRig(t, "redis", func(r *Rig) error {
		r.Redis = loopbackAddr(FreePort(t))
		host, port, err := net.SplitHostPort(r.Redis)
		if err != nil {
			return err
		}
		args := append([]string{
			"--bind", host, "--port", port, "--dir", r.Dir, "--save", "", "--daemonize", "no",
		}, config.Args...)
		r.command = func() *exec.Cmd { return exec.Command(program, args...) }
		return nil
	})
}
