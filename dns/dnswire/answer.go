package dnswire

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	miekg "github.com/miekg/dns"

	"github.com/kaon-net/kaon/net/neterr"
)

// ErrMismatch says that a message is no answer to the question.
var ErrMismatch = errors.New("answers another question")

// An Answer is what a server knows about a question.
type Answer struct {
	Addrs    []netip.Addr // of A and AAAA records, in the server's order
	Services []Service    // of HTTPS records, in the server's order
	Names    []string     // of PTR records, without the last dot
	Texts    [][]string   // of TXT records
	Servers  []Server     // of SRV records

	// CanonicalName is where the aliases led, in lower case and without the last dot: the
	// name asked for if there are none.
	CanonicalName string

	NameError bool // there is no such name (NXDOMAIN)

	// TTL is for how long to believe this: the shortest of the records used, and
	// for an answer without any, what the server's SOA record says.
	TTL   time.Duration
	Known bool // whether there is a TTL; an answer without records may have none
}

// Empty reports whether there is nothing of what was asked for.
func (a *Answer) Empty() bool {
	return len(a.Addrs)+len(a.Services)+len(a.Names)+len(a.Texts)+len(a.Servers) == 0
}

// A Server is an SRV record (RFC 2782).
type Server struct {
	Priority, Weight, Port uint16
	Target                 string // without the last dot
}

// Parse reads a server's answer to q, which had the given id.
//
// [ErrMismatch] says that msg is none. Other errors carry a code:
// neterr.DNSServerRequiresTCP for one cut short, neterr.DNSMalformedResponse for one
// that cannot be read or whose aliases make no chain, and one for each way in which a
// server says that it failed. That a name does not exist is no error, but an Answer.
func Parse(msg []byte, q Question, id uint16) (*Answer, error) {
	var m miekg.Msg
	err := m.Unpack(msg)
	if len(msg) >= headerSize && (m.Id != id || !m.Response) {
		return nil, ErrMismatch // whatever the rest looks like
	}
	name := canonical(q.Name)
	if len(m.Question) > 0 || err == nil {
		if len(m.Question) != 1 || canonical(m.Question[0].Name) != name ||
			m.Question[0].Qtype != uint16(q.Type) || m.Question[0].Qclass != miekg.ClassINET {
			return nil, ErrMismatch
		}
	}
	switch {
	case m.Truncated && len(m.Question) == 1:
		return nil, neterr.DNSServerRequiresTCP
	case err != nil:
		return nil, malformed(q, err)
	case m.Rcode != miekg.RcodeSuccess && m.Rcode != miekg.RcodeNameError:
		return nil, &neterr.Error{Code: codeOf(m.Rcode), Op: "dns answer", Addr: q.Name}
	}
	a := &Answer{NameError: m.Rcode == miekg.RcodeNameError}
	if err := a.read(m.Answer, q.Type, name); err != nil {
		return nil, malformed(q, err)
	}
	if a.Empty() {
		a.negativeTTL(m.Ns)
	}
	return a, nil
}

const headerSize = 12

var (
	errManyAliases = errors.New("two aliases of one name")
	errAliasChain  = errors.New("the aliases make no chain")
	errWrongName   = errors.New("a record of another name")
)

// read takes the records of type t at the end of the chain of aliases that begins with
// name. Records of other types are ignored.
func (a *Answer) read(records []miekg.RR, t Type, name string) error {
	var aliases map[string]string
	owner := "" // of the records asked for
	for _, rr := range records {
		h := rr.Header()
		if h.Class != miekg.ClassINET || h.Rrtype != miekg.TypeCNAME && h.Rrtype != uint16(t) {
			continue
		}
		own := canonical(h.Name)
		a.keep(h.Ttl)
		if alias, ok := rr.(*miekg.CNAME); ok {
			if _, again := aliases[own]; again {
				return errManyAliases
			}
			if aliases == nil {
				aliases = make(map[string]string)
			}
			aliases[own] = canonical(alias.Target)
			continue
		}
		if owner == "" {
			owner = own
		} else if own != owner {
			return errWrongName
		}
		if err := a.add(rr); err != nil {
			return err
		}
	}
	used := 0
	for ; used <= len(aliases); used++ {
		next, ok := aliases[name]
		if !ok {
			break
		}
		name = next
	}
	switch {
	case used != len(aliases): // a loop, or one beside the chain
		return errAliasChain
	case owner != "" && owner != name:
		return errWrongName
	}
	a.CanonicalName = strings.TrimSuffix(name, ".")
	return nil
}

// add takes one record. Its type is the one asked for.
func (a *Answer) add(rr miekg.RR) error {
	switch rr := rr.(type) {
	case *miekg.A:
		return a.addAddr(rr.A.To4())
	case *miekg.AAAA:
		return a.addAddr(rr.AAAA)
	case *miekg.HTTPS:
		if s, ok := serviceOf(&rr.SVCB); ok {
			a.Services = append(a.Services, s)
		}
	case *miekg.PTR:
		a.Names = append(a.Names, strings.TrimSuffix(rr.Ptr, "."))
	case *miekg.TXT:
		a.Texts = append(a.Texts, rr.Txt)
	case *miekg.SRV:
		a.Servers = append(a.Servers, Server{rr.Priority, rr.Weight, rr.Port, strings.TrimSuffix(rr.Target, ".")})
	}
	return nil
}

var errNoAddress = errors.New("an address record without an address")

func (a *Answer) addAddr(b []byte) error {
	addr, ok := netip.AddrFromSlice(b)
	if !ok {
		return errNoAddress
	}
	a.Addrs = append(a.Addrs, addr)
	return nil
}

// keep makes TTL at most that of one more record.
func (a *Answer) keep(seconds uint32) {
	if seconds > 1<<31-1 {
		seconds = 0 // RFC 2181 section 8
	}
	ttl := time.Duration(seconds) * time.Second
	if !a.Known || ttl < a.TTL {
		a.TTL, a.Known = ttl, true
	}
}

// negativeTTL takes the time from the SOA record, which has the zone's own limit in it
// (RFC 2308 section 3).
func (a *Answer) negativeTTL(authority []miekg.RR) {
	a.TTL, a.Known = 0, false
	for _, rr := range authority {
		if soa, ok := rr.(*miekg.SOA); ok {
			a.keep(soa.Hdr.Ttl)
		}
	}
}

func malformed(q Question, err error) error {
	return &neterr.Error{Code: neterr.DNSMalformedResponse, Op: "dns answer", Addr: q.Name, Err: err}
}

func codeOf(rcode int) neterr.Code {
	switch rcode {
	case miekg.RcodeFormatError:
		return neterr.DNSFormatError
	case miekg.RcodeServerFailure:
		return neterr.DNSServerFailure
	case miekg.RcodeNotImplemented:
		return neterr.DNSNotImplemented
	case miekg.RcodeRefused:
		return neterr.DNSRefused
	}
	return neterr.DNSOtherFailure
}

// canonical is how names are compared: in lower case, with the dot that ends them
// (RFC 4343).
func canonical(name string) string { return miekg.CanonicalName(name) }
