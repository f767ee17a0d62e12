package dial

import (
	"github.com/kaon-net/kaon/netlog"
)

// logBegin gives the attempt's socket a source and logs that it connects.
func (j *job) logBegin(a *attempt) {
	if !j.r.NetLog.On() || j.r.Connect != nil {
		return
	}
	a.log = j.r.NetLog.Lasting(netlog.SourceSocket)
	addr := a.addr.String()
	a.log.Begin(netlog.SocketAlive, netlog.Dependency(j.r.NetLog))
	j.r.NetLog.Event(netlog.TCPConnectJobConnectorConnectStart,
		netlog.String("address", addr), netlog.String("connector", connectorName(a.connector)), netlog.Dependency(a.log))
	a.log.Begin(netlog.TCPConnect, netlog.Strings("address_list", []string{addr}), netlog.Strings("aliases", []string{}))
	a.log.Begin(netlog.TCPConnectAttempt, netlog.String("address", addr))
}

func (j *job) logEnd(o *outcome) {
	if !o.log.On() {
		return
	}
	o.log.EndErr(netlog.TCPConnectAttempt, o.err)
	if o.err != nil {
		o.log.EndErr(netlog.TCPConnect, o.err)
		o.log.End(netlog.SocketAlive)
	} else {
		o.log.End(netlog.TCPConnect,
			netlog.String("local_address", o.conn.LocalAddr().String()),
			netlog.String("remote_address", o.conn.RemoteAddr().String()))
	}
	attrs := []netlog.Attr{netlog.String("connector", connectorName(o.connector))}
	if o.err != nil {
		attrs = append(attrs, netlog.Err(o.err))
	}
	j.r.NetLog.Event(netlog.TCPConnectJobConnectorConnectComplete, attrs...)
}

// connectorName is what Chromium's logs call it.
func connectorName(c int) string {
	if c == 0 {
		return "first"
	}
	return "second"
}
