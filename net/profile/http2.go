package profile

// HTTP2 is how the browser opens an HTTP/2 connection and its streams.
type HTTP2 struct {
	Settings      []Setting // in the order sent
	WindowUpdate  uint32    // for the connection, right after SETTINGS
	PseudoHeaders []string  // of a request, in the order sent

	// Weights[u] is the weight, 1 to 256, that HEADERS carries for a request of
	// urgency u (RFC 9218), beside a "priority" field that comes after all others.
	// Weights of 5 to 7 were never seen: they follow Chromium's formula.
	Weights [8]uint16
	// Exclusive is the exclusive bit that goes with a weight.
	Exclusive bool
}

// A Setting is one entry of a SETTINGS frame (RFC 9113 section 6.5).
type Setting struct {
	ID    uint16
	Value uint32
}
