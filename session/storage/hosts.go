package storage

import (
	"context"
	"encoding/binary"
	"iter"
	"net/netip"
	"time"

	"github.com/kaon-net/kaon/dns/dnswire"
	"github.com/kaon-net/kaon/dns/hostcache"
	"github.com/kaon-net/kaon/net/neterr"
)

// staleHosts is how long after its time an answer is of use to those who take a stale
// one, until it is dropped when the store is opened.
const staleHosts = 24 * time.Hour

// HostCacheKind is what names resolved to. It is cleared by host, and written along with
// other kinds: it changes with each lookup, and what is lost is asked again. What pages
// with a nonce asked ends with them.
func HostCacheKind(cache *hostcache.Cache) Kind {
	m := newMirror()
	m.snapshot = func(put func(string, []byte)) {
		for _, r := range cache.Snapshot() {
			if !r.Key.Isolation.HasNonce() {
				put(hostKey(r.Key), hostValue(r))
			}
		}
	}
	m.restore = func(records iter.Seq2[string, []byte]) (lost int) {
		var list []hostcache.Record
		for key, value := range records {
			r, ok := hostRecord(key, value)
			switch {
			case !ok:
				lost++
			case time.Since(r.Expires) < staleHosts:
				list = append(list, r)
			}
		}
		cache.Restore(list)
		return lost
	}
	return Kind{Type: HostCache, Records: m, Clear: func(_ context.Context, sel Selection) error {
		cache.Clear(sel.Host)
		return nil
	}}
}

func hostKey(k hostcache.Key) string {
	b := appendText(nil, k.Host)
	b = append(b, k.Query, k.Source)
	b = appendBool(appendBool(b, k.Secure), k.Services)
	return string(appendPartition(b, k.Isolation))
}

func hostValue(r hostcache.Record) []byte {
	b := appendTime(nil, r.Expires)
	b = appendText(appendText(b, r.Answer.CanonicalName), r.Answer.Source)
	b = binary.AppendVarint(b, int64(r.Answer.Err))
	b = appendAddrs(b, r.Answer.Addrs)
	b = binary.AppendUvarint(b, uint64(len(r.Answer.Services)))
	for _, s := range r.Answer.Services {
		b = binary.AppendUvarint(b, uint64(s.Priority))
		b = appendText(b, s.Target)
		b = binary.AppendUvarint(b, uint64(len(s.ALPN)))
		for _, protocol := range s.ALPN {
			b = appendText(b, protocol)
		}
		b = binary.AppendUvarint(b, uint64(s.Port))
		b = appendText(b, string(s.ECH))
		b = appendBool(appendAddrs(b, s.Hints), s.Strict)
	}
	return b
}

func hostRecord(key string, value []byte) (r hostcache.Record, ok bool) {
	id, p := &parts{b: key}, partsOf(value)
	r.Key.Host, r.Key.Query, r.Key.Source = id.text(), id.byte(), id.byte()
	r.Key.Secure, r.Key.Services, r.Key.Isolation = id.bool(), id.bool(), id.partition()
	r.Expires = p.time()
	r.Answer.CanonicalName, r.Answer.Source = p.text(), p.text()
	r.Answer.Err = neterr.Code(p.int())
	r.Answer.Addrs = p.addrs()
	for range p.list() {
		s := dnswire.Service{Priority: uint16(p.below(1 << 16)), Target: p.text()}
		for range p.list() {
			s.ALPN = append(s.ALPN, p.text())
		}
		s.Port = uint16(p.below(1 << 16))
		if ech := p.text(); ech != "" {
			s.ECH = []byte(ech)
		}
		s.Hints, s.Strict = p.addrs(), p.bool()
		r.Answer.Services = append(r.Answer.Services, s)
	}
	return r, id.whole() && p.whole()
}

func appendAddrs(b []byte, addrs []netip.Addr) []byte {
	b = binary.AppendUvarint(b, uint64(len(addrs)))
	for _, a := range addrs {
		text, _ := a.MarshalBinary() // cannot fail
		b = appendText(b, string(text))
	}
	return b
}

func (p *parts) addrs() (list []netip.Addr) {
	for range p.list() {
		var a netip.Addr
		if a.UnmarshalBinary([]byte(p.text())) != nil {
			p.fail()
		}
		list = append(list, a)
	}
	return list
}
