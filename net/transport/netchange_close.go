//go:build !windows && !android && !ios

package transport

// drainOnChange says whether HTTP/2 connections end in peace when the network changed
// (Chromium: spdy_go_away_on_ip_change).
const drainOnChange = false
