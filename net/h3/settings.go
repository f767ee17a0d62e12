package h3

import (
	"math/rand/v2"

	"github.com/quic-go/quic-go/quicvarint"
)

// Settings (RFC 9114 section 7.2.4.1, RFC 9204 section 5, RFC 9220, RFC 9297).
const (
	settingQPACKTable      = 0x1
	settingMaxFieldSection = 0x6
	settingQPACKBlocked    = 0x7
	settingExtendedConnect = 0x8
	settingDatagram        = 0x33
)

// maxSettings is how large a SETTINGS frame may be.
const maxSettings = 4 << 10

// reserved returns one of the numbers that mean nothing (RFC 9114 section 7.2.8), to keep
// peers from choking on new ones.
func reserved() uint64 { return 0x1f*uint64(rand.Uint32()) + 0x21 }

// appendOpening appends what the control stream begins with: its type, SETTINGS in
// Chromium's order, and a reserved frame of up to 3 bytes.
func appendOpening(b []byte, maxFields int, datagrams bool) []byte {
	b = quicvarint.Append(b, streamControl)
	b, at := beginFrame(b, frameSettings)
	add := func(id, value uint64) { b = quicvarint.Append(quicvarint.Append(b, id), value) }
	add(settingQPACKTable, 0)
	add(settingMaxFieldSection, uint64(maxFields))
	add(settingQPACKBlocked, 0)
	if datagrams {
		add(settingDatagram, 1)
	}
	add(reserved(), uint64(rand.Uint32()))
	b = endFrame(b, at)
	b = quicvarint.Append(b, reserved())
	n := rand.IntN(4)
	b = quicvarint.Append(b, uint64(n))
	for range n {
		b = append(b, byte(rand.Uint32()))
	}
	return b
}

// peerSettings are what of the peer's SETTINGS a client heeds.
type peerSettings struct{ extendedConnect bool }

// parseSettings reads a SETTINGS frame's payload. datagrams says whether the peer's QUIC
// has them.
func parseSettings(p []byte, datagrams bool) (s peerSettings, err error) {
	seen := make(map[uint64]bool)
	for len(p) > 0 {
		id, n, err := quicvarint.Parse(p)
		if err != nil {
			return s, violated(codeFrameError, "SETTINGS are cut short")
		}
		value, m, err := quicvarint.Parse(p[n:])
		if err != nil {
			return s, violated(codeFrameError, "SETTINGS are cut short")
		}
		p = p[n+m:]
		if seen[id] {
			return s, violated(codeSettings, "setting %#x comes twice", id)
		}
		seen[id] = true
		switch id {
		case 0x2, 0x3, 0x4, 0x5: // HTTP/2's
			return s, violated(codeSettings, "setting %#x of HTTP/2", id)
		case settingExtendedConnect:
			if value > 1 {
				return s, violated(codeSettings, "ENABLE_CONNECT_PROTOCOL is %d", value)
			}
			s.extendedConnect = value == 1
		case settingDatagram:
			if value > 1 || value == 1 && !datagrams {
				return s, violated(codeSettings, "H3_DATAGRAM is %d", value)
			}
		}
	}
	return s, nil
}
