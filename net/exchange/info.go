package exchange

import (
	stdtls "crypto/tls"
	"net/netip"
	"time"
)

// Info tells how a response was obtained.
type Info struct {
	Remote   netip.AddrPort // the peer; invalid if there was none
	Local    netip.AddrPort // our end
	Reused   bool           // the connection had served before, or was made ahead
	Retries  int            // attempts that failed before this one
	WireRead int64          // bytes of head and body received so far, as coded; grows until the body ends
	TLS      *TLSState      // shared by all responses of a connection; its own ExportKeyingMaterial panics; nil over plain HTTP
	Timing   Timing
	Cache    CacheInfo

	// Alternative says how HTTP/3 was found: "alt-svc" for the field that the origin
	// sent, "dns" for its HTTPS record. Empty over TCP.
	Alternative string

	// ExportKeyingMaterial returns length bytes that both ends of the connection, and
	// nobody else, can make (RFC 5705, RFC 8446 section 7.5). It fails over HTTP/1.1
	// below TLS 1.3, where the server may renegotiate. nil over plain HTTP.
	ExportKeyingMaterial func(label string, context []byte, length int) ([]byte, error)
}

// TLSState is crypto/tls's, for layers that pass it on without speaking TLS.
type TLSState = stdtls.ConnectionState

// Timing says when each step of a request happened. A step that did not happen is the
// zero time.
type Timing struct {
	Start                    time.Time      // the request reached the transport
	Connect                  *ConnectTiming // nil if the connection had served before, or was made ahead
	SendStart, SendEnd       time.Time      // request head, and the body as far as it went with it
	HeadersStart, HeadersEnd time.Time      // first byte of the final response head; its end
}

// ConnectTiming says when each step of making a connection happened. A step that did not
// happen, such as the look-up of an address, is the zero time.
type ConnectTiming struct {
	DNSStart, DNSEnd time.Time
	Start, End       time.Time // TCP and, within it, TLS
	TLSStart, TLSEnd time.Time
}
