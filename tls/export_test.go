package tls

// AwaitStock waits until the keys for coming handshakes are made.
func (c *Client) AwaitStock() { c.stock.fillers.Wait() }
