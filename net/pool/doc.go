// Package pool keeps client connections and decides which request gets which: it
// reuses idle ones, makes new ones within limits, queues by priority, and warms
// connections up before they are needed. It decides as Chromium's socket pools do.
//
// The pool knows connections only as the interface [Conn] and makes them with
// Config.Connect, so it has no idea of TCP, TLS or HTTP:
//
//	p := pool.New(pool.Config{Connect: dialAndHandshake})
//	defer p.Close()
//	c, reused, err := p.Acquire(ctx, &pool.Request{Key: key})
//	if err != nil { … }
//	resp, err := c.RoundTrip(ctx, req) // the slot frees itself when the body ends
//
// # Rules
//
// Connections are grouped by [Key]. A request takes the most recently used idle
// connection of its group, else the oldest unused one, else it waits for a connect
// job that a preconnect began, else for one of its own. At 6 sockets in the group,
// or about 256 in all, it queues: highest priority first, then first come. When the
// total is reached an idle socket of another group makes room. Connections through each
// chain of proxies, and those for WebSockets, have limits of their own.
//
// A connect job belongs to nobody. What it makes goes to the first in the queue at
// that moment, and is kept idle if nobody waits; its failure is the failure of the
// first in the queue. A request that is cancelled leaves its job running, unless the
// sockets are all in use. A job that is the first of its group and takes longer than
// 250 ms is backed up by a second one, and whichever is ready first serves.
//
// A slot that frees goes to a waiting request of its own group, else to the group
// with the highest-priority (then longest-waiting) request that may have one more.
// A group without any socket goes before a younger request of a group that has some,
// so at the total limit no group starves; here Chromium is less fair.
//
// Idle connections are closed after 300 s, or 60 s if they have never been used.
// There is no timer: each request looks at the oldest.
//
// A connection that serves many requests ([Multiplexed]) carries its group alone: jobs
// that were begun before it was known are cancelled, a second one is closed, and
// requests beyond its limit of streams wait for one. Once it has served it may be idle
// for ever. A server that had such a connection is remembered, and the first requests
// to it leave the first job alone for 300 ms.
//
// Such a connection may also serve the groups of other hosts ([Sharer], [Request.Share]):
// those whose key is the same but for the host, that resolve to where it leads, and
// that it covers. Then they have nothing of their own.
//
// A group may have a connection that is made in another way than by its own jobs
// ([Pool.Alternative]), as one of QUIC beside those of TCP. It takes the group over.
//
// # Inside
//
// All decisions are made by machines of plain data, one for what shares limits, that
// are told the time, hold no lock and do no I/O. [Pool] has one mutex around them and
// carries out what they decided after unlocking. Nobody but those who wait keeps timers.
package pool
