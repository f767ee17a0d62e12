package netmon

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// The part of Linux's <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if_addr.h> and
// <linux/if_link.h> that is needed. It is the same on all processors, and is here
// so that messages can be read, and their reading tested, on every system.
const (
	messageError   = 2
	messageDone    = 3
	messageNewLink = 16
	messageDelLink = 17
	messageGetLink = 18
	messageNewAddr = 20
	messageDelAddr = 21
	messageGetAddr = 22

	flagRequest     = 0x1
	flagInterrupted = 0x10
	flagDump        = 0x300

	familyUnspecified = 0
	familyIPv4        = 2
	familyIPv6        = 10

	linkName     = 3
	linkWireless = 11

	linkUp       = 0x1
	linkLoopback = 0x8
	linkRunning  = 0x40
	linkLowerUp  = 0x10000
	linkOnline   = linkUp | linkRunning | linkLowerUp

	addressAddress   = 1
	addressLocal     = 2
	addressCacheInfo = 6

	addressTemporary  = 0x01 // of IPv6; IPv4's "secondary" has the same bit
	addressOptimistic = 0x04 // tentative, but may be used (RFC 4429)
	addressFailed     = 0x08 // another machine has it
	addressDeprecated = 0x20
	addressTentative  = 0x40

	headerLen        = 16
	linkHeaderLen    = 16
	addressHeaderLen = 8
)

var (
	errMalformed   = errors.New("malformed rtnetlink message")
	errInterrupted = errors.New("rtnetlink list overtaken by a change")
)

// A message is one netlink message; body points into the datagram.
type message struct {
	kind        uint16
	interrupted bool
	body        []byte
}

// nextMessage reads the first message of b, which takes n bytes with its padding.
func nextMessage(b []byte) (m message, n int, err error) {
	if len(b) < headerLen {
		return message{}, 0, errMalformed
	}
	length := binary.NativeEndian.Uint32(b)
	if length < headerLen || uint64(length) > uint64(len(b)) {
		return message{}, 0, errMalformed
	}
	m.kind = binary.NativeEndian.Uint16(b[4:])
	m.interrupted = binary.NativeEndian.Uint16(b[6:])&flagInterrupted != 0
	m.body = b[headerLen:length]
	return m, min(align(int(length)), len(b)), nil
}

// failure is what an error message reports; an acknowledgement is one without.
func (m message) failure() error {
	if len(m.body) < 4 {
		return errMalformed
	}
	code := int32(binary.NativeEndian.Uint32(m.body))
	if code == 0 {
		return nil
	}
	return fmt.Errorf("rtnetlink: %w", syscall.Errno(-int64(code)))
}

type linkMessage struct {
	index int32
	name  string // empty if not told
	flags Flags
}

// parseLink reads the body of a message about a link. It is not ok if the message is
// about something else: a bridge's port, or the radio.
func parseLink(b []byte) (l linkMessage, ok bool, err error) {
	if len(b) < linkHeaderLen {
		return l, false, errMalformed
	}
	family, change := b[0], binary.NativeEndian.Uint32(b[12:])
	bits := binary.NativeEndian.Uint32(b[8:])
	l.index = int32(binary.NativeEndian.Uint32(b[4:]))
	if bits&linkLoopback != 0 {
		l.flags |= Loopback
	}
	if bits&linkOnline != linkOnline {
		l.flags |= Down
	}
	ok = family == familyUnspecified
	err = attributes(b[linkHeaderLen:], func(kind uint16, value []byte) error {
		switch kind {
		case linkName:
			name, _, _ := bytes.Cut(value, []byte{0})
			l.name = string(name)
		case linkWireless:
			ok = ok && change != 0
		}
		return nil
	})
	return l, ok, err
}

// parseAddress reads the body of a message about an address. It is not ok if that is
// of another family than the two of IP.
func parseAddress(b []byte) (key addressKey, flags Flags, ok bool, err error) {
	if len(b) < addressHeaderLen {
		return key, 0, false, errMalformed
	}
	family, bits, status := b[0], b[1], b[2]
	size := 4
	switch family {
	case familyIPv4:
	case familyIPv6:
		size = 16
		flags = flagsOfIPv6(status)
	default:
		return key, 0, false, nil
	}
	if status&addressDeprecated != 0 {
		flags |= Deprecated
	}
	var address, local netip.Addr
	err = attributes(b[addressHeaderLen:], func(kind uint16, value []byte) error {
		switch kind {
		case addressAddress, addressLocal:
			if len(value) < size {
				return errMalformed
			}
			ip, _ := netip.AddrFromSlice(value[:size])
			if kind == addressLocal {
				local = ip
			} else {
				address = ip
			}
		case addressCacheInfo:
			if len(value) < 16 {
				return errMalformed
			}
			// A router that repeats an expired prefix makes the kernel report it twice,
			// with and without the flag (crbug.com/268042): the lifetime decides.
			if preferred := binary.NativeEndian.Uint32(value); preferred == 0 {
				flags |= Deprecated
			}
		}
		return nil
	})
	if err != nil {
		return key, 0, false, err
	}
	if local.IsValid() { // on a point-to-point link the other one is the peer's
		address = local
	}
	key.link = int32(binary.NativeEndian.Uint32(b[4:]))
	key.prefix = netip.PrefixFrom(address, int(bits))
	if !key.prefix.IsValid() {
		return key, 0, false, errMalformed
	}
	return key, flags, true, nil
}

func flagsOfIPv6(status byte) (flags Flags) {
	if status&addressTemporary != 0 {
		flags |= Temporary
	}
	if status&addressFailed != 0 || status&addressTentative != 0 && status&addressOptimistic == 0 {
		flags |= Tentative
	}
	return flags
}

// attributes calls f for each attribute in b (RTA_NEXT of rtnetlink(3)).
func attributes(b []byte, f func(kind uint16, value []byte) error) error {
	const head, kindMask = 4, 0x3fff
	for len(b) >= head {
		length := int(binary.NativeEndian.Uint16(b))
		if length < head || length > len(b) {
			return errMalformed
		}
		if err := f(binary.NativeEndian.Uint16(b[2:])&kindMask, b[head:length]); err != nil {
			return err
		}
		b = b[min(align(length), len(b)):]
	}
	return nil
}

// align rounds up to the 4 bytes that messages and attributes are padded to.
func align(n int) int { return (n + 3) &^ 3 }

// appendRequest appends the request for a list: of links or of addresses.
func appendRequest(b []byte, kind uint16) []byte {
	length := headerLen + linkHeaderLen
	if kind == messageGetAddr {
		length = headerLen + addressHeaderLen
	}
	start := len(b)
	b = append(b, make([]byte, length)...)
	header := b[start:]
	binary.NativeEndian.PutUint32(header, uint32(length))
	binary.NativeEndian.PutUint16(header[4:], kind)
	binary.NativeEndian.PutUint16(header[6:], flagRequest|flagDump)
	return b
}
