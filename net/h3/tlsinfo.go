package h3

import "github.com/kaon-net/kaon/net/exchange"

// A tlsInfo is what responses tell of TLS.
type tlsInfo struct {
	state  exchange.TLSState
	export func(label string, context []byte, length int) ([]byte, error)
}

// tlsInfo returns what is known of TLS, one for all responses: before the handshake is
// complete it is less, and is not kept.
func (c *Conn) tlsInfo() *tlsInfo {
	c.mu.Lock()
	kept := c.tls
	c.mu.Unlock()
	if kept != nil {
		return kept
	}
	info := &tlsInfo{state: c.qc.ConnectionState().TLS}
	info.export = info.state.ExportKeyingMaterial
	if info.state.HandshakeComplete {
		if c.cfg.VerifiedChains != nil {
			info.state.VerifiedChains = c.cfg.VerifiedChains()
		}
		c.mu.Lock()
		c.tls = info
		c.mu.Unlock()
	}
	return info
}
