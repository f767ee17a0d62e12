//go:build !darwin

package sysconf

const commaSeparates = false
