package main

import (
	"fmt"
	"io"

	"github.com/kaon-net/kaon/net/neterr"
)

// A usageError is a command line that cannot be understood.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// complain prints an error of the command called name, and what can be done about
// it if that is known.
func complain(w io.Writer, name string, err error) {
	fmt.Fprintf(w, "kaon %s: %v\n", name, err)
	if s := advice(neterr.CodeOf(err)); s != "" {
		fmt.Fprintf(w, "  %s\n", s)
	}
}

// advice is what a user of the command line can do about a failure, where its code
// does not say so by itself.
func advice(c neterr.Code) string {
	switch c {
	case neterr.CertAuthorityInvalid:
		return "No authority that this machine trusts signed the server's certificate; --cacert FILE trusts another."
	case neterr.InvalidURL:
		return "A URL is written in full, as https://example.com/path."
	case neterr.UnknownURLScheme, neterr.DisallowedURLScheme:
		return "URLs begin with http:// or https://."
	case neterr.UnsafePort:
		return "Browsers do not speak HTTP to the ports of other protocols."
	case neterr.TooManyRedirects:
		return "--redirect manual shows where the first one leads."
	case neterr.SSLProtocolError:
		return "If the server does not speak TLS, its URL begins with http://."
	case neterr.InvalidHTTPResponse, neterr.EmptyResponse:
		return "If the server speaks TLS, its URL begins with https://."
	}
	return ""
}
