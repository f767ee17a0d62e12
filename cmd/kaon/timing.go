package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/fetch"
)

// printTiming prints one table for a response of whose body n bytes have been read,
// total after it was asked for. The steps are those of the last request, if there
// were redirects; one that did not happen has a dash.
func printTiming(w io.Writer, resp *fetch.Response, total time.Duration, n int64) {
	t := resp.Info.Timing
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { fmt.Fprintf(tw, "%s\t%v\n", name, value) }
	row("url", publicURL(resp.URL))
	if resp.Redirected {
		row("redirects", len(resp.URLList)-1)
	}
	row("status", fmt.Sprint(resp.Status, " ", resp.StatusText))
	switch resp.Info.Alternative {
	case "alt-svc":
		row("protocol", resp.Proto+", found by Alt-Svc")
	case "dns":
		row("protocol", resp.Proto+", found by an HTTPS record")
	default:
		row("protocol", resp.Proto)
	}
	if c := resp.Info.Cache.String(); c != "" {
		row("cache", c)
	}
	row("remote", resp.Info.Remote)
	if s := resp.Info.TLS; s != nil {
		row("tls", fmt.Sprintf("%s, %s", versionName(s.Version), s.CurveID))
	}
	row("reused", yesNo(resp.Info.Reused))
	if resp.Info.Retries > 0 {
		row("retries", resp.Info.Retries)
	}
	var made exchange.ConnectTiming
	if t.Connect != nil {
		made = *t.Connect
	}
	connected := made.End
	if !made.TLSStart.IsZero() {
		connected = made.TLSStart
	}
	row("dns", span(made.DNSStart, made.DNSEnd))
	row("connect", span(made.Start, connected))
	row("tls handshake", span(made.TLSStart, made.TLSEnd))
	row("first byte", span(t.SendEnd, t.HeadersStart)) // the server's share: from the request sent
	row("total", total.Round(time.Microsecond))
	row("bytes", fmt.Sprintf("%d (%d on the wire)", n, resp.Info.WireRead))
	tw.Flush()
}

// span is the time between two points, or a dash unless both were reached. A server
// may answer before it has the whole request.
func span(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return "-"
	}
	return max(to.Sub(from), 0).Round(time.Microsecond).String()
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func versionName(v uint16) string {
	switch v {
	case 0x0304:
		return "TLS 1.3"
	case 0x0303:
		return "TLS 1.2"
	case 0x0302:
		return "TLS 1.1"
	case 0x0301:
		return "TLS 1.0"
	}
	return fmt.Sprintf("%#04x", v)
}
