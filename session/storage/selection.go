package storage

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// A DataType names what can be cleared.
type DataType string

// The names of Electron's ses.clearData.
const (
	BackgroundFetch DataType = "backgroundFetch"
	Cache           DataType = "cache" // the HTTP cache, and with it Cache Storage
	Cookies         DataType = "cookies"
	Downloads       DataType = "downloads"
	FileSystems     DataType = "fileSystems"
	IndexedDB       DataType = "indexedDB"
	LocalStorage    DataType = "localStorage"
	ServiceWorkers  DataType = "serviceWorkers"
	WebSQL          DataType = "webSQL"
)

// Kaon's own names, for what Electron clears only along with something else, or not at
// all. They are cleared when they are named.
const (
	AltSvc       DataType = "altSvc"       // which servers speak HTTP/3, and where that failed
	CacheStorage DataType = "cacheStorage" // of service workers
	HostCache    DataType = "hostCache"    // what names resolved to
	HSTS         DataType = "hsts"         // which hosts are spoken to over TLS alone
	ShaderCache  DataType = "shaderCache"
)

// dataTypes are those that clearData clears when none is named.
var dataTypes = []DataType{
	BackgroundFetch, Cache, Cookies, Downloads, FileSystems, IndexedDB, LocalStorage, ServiceWorkers, WebSQL,
}

var ownTypes = []DataType{AltSvc, CacheStorage, HostCache, HSTS, ShaderCache}

// storages are Electron's names for ses.clearStorageData.
var storages = [...]struct {
	name string
	t    DataType
}{
	{"cookies", Cookies},
	{"filesystem", FileSystems},
	{"indexdb", IndexedDB},
	{"localstorage", LocalStorage},
	{"shadercache", ShaderCache},
	{"websql", WebSQL},
	{"serviceworkers", ServiceWorkers},
	{"cachestorage", CacheStorage},
}

func storageType(name string) (t DataType, ok bool) {
	for _, s := range storages {
		if strings.EqualFold(s.name, name) {
			return s.t, true
		}
	}
	return "", false
}

// A MatchingMode says which data belong to an origin (Electron: originMatchingMode).
// Cookies do not heed it: they belong to registrable domains.
type MatchingMode int

const (
	ThirdPartiesIncluded MatchingMode = iota // also what others keep inside its pages
	OriginInAllContexts                      // what the origin keeps, in whoever's pages
)

// A Selection says which data of a Kind are meant. The zero Selection is all of them.
type Selection struct {
	Origins []origin.Origin // whose data are meant; nil: everybody's, empty: nobody's
	Exclude []origin.Origin // whose data are not, among everybody's
	Mode    MatchingMode

	// FirstParty leaves out the cookies that Origins share with other hosts of their
	// domain and those of partitions, as clearStorageData does.
	FirstParty bool

	// AvoidClosingConnections leaves alone what cannot be cleared but by closing
	// connections that are in use.
	AvoidClosingConnections bool
}

// All reports whether everybody's data are meant.
func (s *Selection) All() bool { return s.Origins == nil && len(s.Exclude) == 0 }

// Origin reports whether the data of o in the partition of key are meant.
func (s *Selection) Origin(o origin.Origin, key origin.Key) bool {
	return s.match(func(of origin.Origin) bool {
		return o == of || s.Mode == ThirdPartiesIncluded && !key.IsZero() && key.Top() == of.Site()
	})
}

// Host reports whether the data of a host are meant, for what knows no origins.
func (s *Selection) Host(host string) bool {
	return s.match(func(of origin.Origin) bool { return of.Host == host })
}

// Domain reports whether the data of host, and of all hosts with the same registrable
// domain, are meant.
func (s *Selection) Domain(host string) bool {
	domain := origin.Domain(host)
	return s.match(func(of origin.Origin) bool { return origin.Domain(of.Host) == domain })
}

func (s *Selection) match(is func(origin.Origin) bool) bool {
	return (s.Origins == nil || slices.ContainsFunc(s.Origins, is)) && !slices.ContainsFunc(s.Exclude, is)
}

// parseOrigins reads origins as Electron does: URLs count by their origin.
func parseOrigins(texts []string) ([]origin.Origin, error) {
	if texts == nil {
		return nil, nil
	}
	list := make([]origin.Origin, 0, len(texts))
	for _, text := range texts {
		u, err := url.Parse(text)
		if err != nil || origin.Of(u).IsOpaque() {
			return nil, invalid("Invalid origin: '%s'", shown(text, u))
		}
		list = append(list, origin.Of(u))
	}
	return list, nil
}

// shown is text without what may be secret in it.
func shown(text string, u *url.URL) string {
	if u == nil {
		text, _, _ = strings.Cut(text, "?")
		return text[strings.LastIndexByte(text, '@')+1:]
	}
	bare := *u
	bare.User, bare.RawQuery, bare.Fragment = nil, "", ""
	return bare.String()
}

func invalid(format string, args ...any) error {
	return &neterr.Error{Code: neterr.InvalidArgument, Err: fmt.Errorf(format, args...)}
}
