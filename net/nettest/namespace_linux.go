package nettest

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// namespaceEnv is the name of the test that has a network of its own.
const namespaceEnv = "KAON_TEST_NAMESPACE"

// InNamespace gives the test that calls it first of all a network of its own, in which
// nothing is up, so that what it changes happens to nobody else. It runs the test again
// in a new process and returns false to the one that asked, which has nothing more to
// do; in the new one it returns true. Without the right to make a namespace the test is
// skipped, or fails under KAON_RIGS=required.
func InNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceEnv) == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), namespaceEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		if os.Getenv("KAON_RIGS") == "required" {
			t.Fatalf("no network namespace, and KAON_RIGS=required is set: %v", err)
		}
		t.Skipf("no network namespace: %v", err)
	}
	err := cmd.Wait()
	t.Logf("%s", output.String())
	if err != nil || !strings.Contains(output.String(), "--- PASS: "+t.Name()) {
		t.Errorf("in the namespace: %v", err)
	}
	return false
}

// IP runs iproute2's program, once for each line of arguments.
func IP(t testing.TB, lines ...string) {
	t.Helper()
	program := Program(t, "ip", "iproute2")
	for _, line := range lines {
		if out, err := exec.Command(program, strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", line, err, out)
		}
	}
}
