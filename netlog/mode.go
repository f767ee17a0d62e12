package netlog

import "errors"

// A Mode says how much of what is private a recording holds. (Chromium has one more,
// HeavilyRedacted, which Electron does not offer; it is not here either.)
type Mode uint8

const (
	// Default leaves out cookies, credentials and the bytes of bodies.
	Default Mode = iota
	// IncludeSensitive keeps cookies and credentials, and leaves out raw bytes.
	IncludeSensitive
	// Everything keeps all, the bytes on the wire too. The file is large.
	Everything
)

// ErrMode is the answer to a [Mode] that does not exist; the text is Electron's.
//
//lint:ignore ST1005 the text is Electron's
var ErrMode = errors.New("Invalid value for captureMode")

// String returns the name in the file's constants, as "IncludeSensitive".
func (m Mode) String() string {
	switch m {
	case Default:
		return "Default"
	case IncludeSensitive:
		return "IncludeSensitive"
	case Everything:
		return "Everything"
	}
	return "UNKNOWN"
}

// ParseMode returns the mode that Electron's captureMode names: "default" (or ""),
// "includeSensitive" or "everything". The error is [ErrMode].
func ParseMode(name string) (Mode, error) {
	switch name {
	case "", "default":
		return Default, nil
	case "includeSensitive":
		return IncludeSensitive, nil
	case "everything":
		return Everything, nil
	}
	return 0, ErrMode
}
