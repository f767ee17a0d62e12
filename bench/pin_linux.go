package main

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const pinnedEnv = "KAON_BENCH_PINNED"

// cores are the processors that client and server get, one each, or nothing on a
// machine that has only one for both.
func cores() (client, server int, ok bool) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 0, 0, false
	}
	var free []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			free = append(free, cpu)
		}
	}
	if len(free) < 2 {
		return 0, 0, false
	}
	return free[0], free[1], true
}

// pin gives this process one processor, by starting it again: threads that the
// runtime has made by now would keep theirs. It returns when that is done, or is not
// possible.
func pin(core int) {
	want := strconv.Itoa(core)
	if os.Getenv(pinnedEnv) == want {
		return
	}
	exe, err := os.Executable()
	if err != nil {
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var set unix.CPUSet
	set.Set(core)
	if unix.SchedSetaffinity(0, &set) != nil {
		return
	}
	os.Setenv(pinnedEnv, want)
	syscall.Exec(exe, os.Args, os.Environ())
}

// pinned reports whether this process has a processor of its own.
func pinned() bool { return os.Getenv(pinnedEnv) != "" }

// await reads into p what comes within d, without giving the processor up. It returns
// 0 if nothing did, or if the connection is over: a Read tells which.
func await(c syscall.RawConn, p []byte, d time.Duration) (n int) {
	c.Read(func(fd uintptr) bool {
		err := error(unix.EAGAIN)
		for start := time.Now(); err == unix.EAGAIN && time.Since(start) < d; {
			n, err = unix.Read(int(fd), p)
		}
		return true
	})
	return max(0, n)
}
