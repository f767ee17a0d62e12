//go:build race

package h3_test

// raceDetector is whether allocations are the detector's as well.
const raceDetector = true
