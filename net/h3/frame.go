package h3

import (
	"fmt"

	"github.com/quic-go/quic-go"

	"github.com/kaon-net/kaon/net/neterr"
)

// Frame types (RFC 9114 section 7.2, RFC 9218 section 7.2).
const (
	frameData           = 0x0
	frameHeaders        = 0x1
	frameCancelPush     = 0x3
	frameSettings       = 0x4
	framePushPromise    = 0x5
	frameGoAway         = 0x7
	frameMaxPushID      = 0xd
	framePriorityUpdate = 0xf0700
)

// Unidirectional stream types (RFC 9114 section 6.2, RFC 9204 section 4.2).
const (
	streamControl      = 0x0
	streamPush         = 0x1
	streamQPACKEncoder = 0x2
	streamQPACKDecoder = 0x3
)

// Error codes (RFC 9114 section 8.1, RFC 9204 section 6).
const (
	codeNoError              = 0x100
	codeStreamCreation       = 0x103
	codeClosedCriticalStream = 0x104
	codeFrameUnexpected      = 0x105
	codeFrameError           = 0x106
	codeExcessiveLoad        = 0x107
	codeID                   = 0x108
	codeSettings             = 0x109
	codeMissingSettings      = 0x10a
	codeRequestRejected      = 0x10b
	codeRequestCancelled     = 0x10c
	codeMessage              = 0x10e
	codeQPACKDecompression   = 0x200
	codeQPACKEncoderStream   = 0x201
	codeQPACKDecoderStream   = 0x202
)

// maxUseless is how many frames of no use a stream may have, and how many streams of no
// use a connection.
const maxUseless = 10000

// A violation is what a peer did against the protocol that ends the connection.
type violation struct {
	code   quic.ApplicationErrorCode
	reason string
}

func violated(code quic.ApplicationErrorCode, format string, args ...any) error {
	return &violation{code, fmt.Sprintf(format, args...)}
}

func (v *violation) Error() string { return v.reason }

// Unwrap returns Chromium's code for it.
func (v *violation) Unwrap() error { return neterr.QUICProtocolError }

// unexpected says what a frame that may not come here means; nil for one of a type that
// nobody knows, which is to be skipped.
func unexpected(typ uint64) error {
	switch typ {
	case framePushPromise, frameCancelPush:
		return violated(codeID, "a push that was not allowed")
	case frameData, frameHeaders, frameSettings, frameGoAway, frameMaxPushID, framePriorityUpdate, framePriorityUpdate + 1,
		0x2, 0x6, 0x8, 0x9: // HTTP/2's (RFC 9114 section 7.2.8)
		return violated(codeFrameUnexpected, "frame of type %#x where none may be", typ)
	}
	return nil
}
