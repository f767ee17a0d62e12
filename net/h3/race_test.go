//go:build race

package h3_test

// raceDetector is whether there is one: allocations are its, too, and it looks into quic-go.
const raceDetector = true
