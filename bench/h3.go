package main

import (
	"context"
	stdtls "crypto/tls"
	"net"
	"net/url"
	"sync"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/h3"
)

const (
	quicGo = "quic-go"
	netH3  = "net/h3"
)

// h3Contenders returns what speaks HTTP/3: quic-go's own client first, and net/h3 by
// itself, as its rows compare the two layers on the same QUIC. Both have flow-control
// windows of Chromium's size from the start.
func h3Contenders(o *origin) []contender {
	cfg := func() *stdtls.Config { return &stdtls.Config{RootCAs: o.roots, NextProtos: []string{"h3"}} }
	theirs := &http3.Transport{
		TLSClientConfig:    cfg(),
		QUICConfig:         windows(h3.QUICConfig()),
		DisableCompression: true,
	}
	ours := &oneConn{tls: cfg()}
	return []contender{
		{name: quicGo, rt: theirs, close: func() { theirs.Close() }},
		{name: netH3, rt: exchange.HTTP(ours), close: ours.Close},
	}
}

// windows is a quic.Config of quic-go's defaults but for the windows of c.
func windows(c *quic.Config) *quic.Config {
	return &quic.Config{
		InitialStreamReceiveWindow: c.InitialStreamReceiveWindow, MaxStreamReceiveWindow: c.MaxStreamReceiveWindow,
		InitialConnectionReceiveWindow: c.InitialConnectionReceiveWindow, MaxConnectionReceiveWindow: c.MaxConnectionReceiveWindow,
	}
}

// oneConn is a round tripper with one connection, made for the first request.
type oneConn struct {
	tls *stdtls.Config

	mu   sync.Mutex
	conn *h3.Conn
}

func (o *oneConn) RoundTrip(ctx context.Context, req *exchange.Request) (*exchange.Response, error) {
	c, err := o.get(ctx, req.URL)
	if err == nil {
		err = c.Reserve()
	}
	if err != nil {
		req.CloseBody()
		return nil, err
	}
	return c.RoundTrip(ctx, req)
}

func (o *oneConn) get(ctx context.Context, u *url.URL) (*h3.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil {
		return o.conn, nil
	}
	var d net.Dialer
	socket, err := d.DialContext(ctx, "udp4", u.Host)
	if err != nil {
		return nil, err
	}
	cfg := o.tls.Clone()
	cfg.ServerName = u.Hostname()
	o.conn, err = h3.Dial(ctx, socket.(*net.UDPConn), cfg, h3.Config{Host: u.Host})
	return o.conn, err
}

func (o *oneConn) Close() {
	if o.conn != nil {
		o.conn.Close(nil)
	}
}
