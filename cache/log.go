package cache

import (
	"github.com/kaon-net/kaon/net/exchange"
	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/netlog"
)

// The functions below write the events of a request as Chromium's HttpCache::Transaction
// does. They cost one comparison while nobody records.

const (
	logAddToEntry = netlog.HTTPCacheAddToEntry
	logResend     = netlog.HTTPCacheReSendPartialRequest
	logRestart    = netlog.HTTPCacheRestartPartialRequest
)

func logRequest(src netlog.Source, req *exchange.Request) {
	method := req.Method
	if method == "" {
		method = "GET"
	}
	src.Event(netlog.HTTPCacheCallerRequestHeaders, netlog.Headers("", method+" "+req.URL.RequestURI()+" HTTP/1.1\r\n", netlog.Header(req.Header.All())))
	src.Begin(netlog.HTTPCacheGetBackend)
	src.End(netlog.HTTPCacheGetBackend)
}

func logOpen(src netlog.Source) { src.Begin(netlog.HTTPCacheOpenEntry) }

// logOpened ends what logOpen began. A miss is ERR_FAILED, as readers of logs expect.
func logOpened(src netlog.Source, found bool) {
	if !src.On() {
		return
	}
	if !found {
		src.EndErr(netlog.HTTPCacheOpenEntry, neterr.Failed)
		return
	}
	src.End(netlog.HTTPCacheOpenEntry)
	src.Begin(netlog.HTTPCacheReadInfo)
	src.End(netlog.HTTPCacheReadInfo)
}

func logRead(src netlog.Source, n int) { logBytes(src, netlog.HTTPCacheReadData, n) }

func logWrite(src netlog.Source, n int) { logBytes(src, netlog.HTTPCacheWriteData, n) }

func logBytes(src netlog.Source, t netlog.EventType, n int) {
	if src.On() {
		src.Begin(t)
		src.End(t, netlog.Int("byte_count", n))
	}
}

// logDamage records that an entry could not be read.
func logDamage(src netlog.Source, err error) {
	src.Begin(netlog.HTTPCacheReadData)
	src.EndErr(netlog.HTTPCacheReadData, err)
}

func logDoom(src netlog.Source) {
	src.Begin(netlog.HTTPCacheDoomEntry)
	src.End(netlog.HTTPCacheDoomEntry)
}

func logCommit(src netlog.Source, err error) {
	src.Begin(netlog.HTTPCacheWriteInfo)
	src.EndErr(netlog.HTTPCacheWriteInfo, err)
}
