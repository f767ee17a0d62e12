//go:build race

package pool

// checkInvariants makes the pool recount itself after every step.
const checkInvariants = true
