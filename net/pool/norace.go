//go:build !race

package pool

// checkInvariants makes the pool recount itself after every step: only under the
// race detector.
const checkInvariants = false
