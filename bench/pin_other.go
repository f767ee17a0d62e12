//go:build !linux

package main

func cores() (client, server int, ok bool) { return 0, 0, false }

func pin(int) {}

func pinned() bool { return false }
