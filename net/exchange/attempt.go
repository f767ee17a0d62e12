package exchange

// An AttemptError is how a connection reports a failed exchange to whoever may try
// again. It does not leave net/transport, which unwraps it.
type AttemptError struct {
	Err      error
	Sent     bool // something of the request may have reached the peer
	Received bool // something of the response came
}

// Error is the reason's.
func (e *AttemptError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *AttemptError) Unwrap() error { return e.Err }
