//go:build !linux

package main

import (
	"syscall"
	"time"
)

func cores() (client, server int, ok bool) { return 0, 0, false }

func pin(int) {}

func pinned() bool { return false }

func await(syscall.RawConn, []byte, time.Duration) int { return 0 }
