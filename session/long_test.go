package session_test

import (
	"flag"
	"time"
)

// The long forms of tests that come with a short one: 1,000,000 requests instead of
// 20,000, and a soak that lasts as long as the flag says, as in
//
//	go test -run 'TestManyRequests|TestSoak' -long 10m -timeout 30m ./session
var long = flag.Duration("long", 0, "run the long forms of tests, and soak for so long")

// lasting is how long a test goes on, which is short when nobody asked.
func lasting(short time.Duration) time.Duration {
	if *long > 0 {
		return *long
	}
	return short
}

// times is how often a test does what it does, which is few when nobody asked.
func times(few, many int) int {
	if *long > 0 {
		return many
	}
	return few
}
