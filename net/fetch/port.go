package fetch

import (
	"fmt"
	"slices"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/net/origin"
)

// restrictedPorts are those that HTTP is not spoken on, so that no page can make the
// browser talk to another protocol's server (Fetch Standard section 2.9, "bad
// ports"). Sorted.
var restrictedPorts = [...]uint16{
	0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87,
	95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143,
	161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
	563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 5060,
	5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080,
}

// CheckPort refuses, with [neterr.UnsafePort], restricted ports that the program did
// not allow. Every hop is checked; it is for what connects without one.
func (f *Fetcher) CheckPort(o origin.Origin) error {
	switch o.Port {
	case 80, 443:
		return nil
	}
	if _, bad := slices.BinarySearch(restrictedPorts[:], o.Port); !bad || slices.Contains(f.allowedPorts, o.Port) {
		return nil
	}
	return &neterr.Error{Code: neterr.UnsafePort, Op: "connect", Addr: o.HostPort(), Err: fmt.Errorf("port %d is for another protocol", o.Port)}
}
