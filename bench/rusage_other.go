//go:build !unix

package main

import "time"

// cpuTime is not measured on this system: the table shows "-".
func cpuTime() time.Duration { return 0 }
