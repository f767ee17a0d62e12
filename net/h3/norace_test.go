//go:build !race

package h3_test

const raceDetector = false
