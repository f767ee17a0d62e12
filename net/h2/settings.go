package h2

import (
	"encoding/binary"

	"golang.org/x/net/http2"

	"github.com/kaon-net/kaon/net/profile"
)

// settingNoPriorities is SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218 section 2.1).
const settingNoPriorities http2.SettingID = 9

// The ownSettings are what we announce and hold the peer to.
type ownSettings struct {
	table        uint32 // bytes of HPACK table
	streamWindow int64
	connWindow   int64
	frame        uint32 // largest payload
	headerList   int    // bytes of fields in a response
}

func readSettings(p profile.HTTP2) ownSettings {
	own := ownSettings{
		table: defaultTable, streamWindow: defaultWindow, frame: maxFrame, headerList: 256 << 10,
		connWindow: defaultWindow + int64(p.WindowUpdate),
	}
	for _, s := range p.Settings {
		switch http2.SettingID(s.ID) {
		case http2.SettingHeaderTableSize:
			own.table = s.Value
		case http2.SettingInitialWindowSize:
			own.streamWindow = int64(s.Value)
		case http2.SettingMaxFrameSize:
			own.frame = min(s.Value, readBuffer/2)
		case http2.SettingMaxHeaderListSize:
			own.headerList = int(s.Value)
		}
	}
	return own
}

// The peerSettings are what the peer announced, as far as it matters to us.
type peerSettings struct {
	received        bool
	window          int64 // that streams begin with, for sending
	extendedConnect bool
	noPriorities    uint32
}

// settings takes a SETTINGS frame. Unlike the Framer's own reading, which refuses the
// whole frame, it passes over an impossible initial window, as Chromium does.
func (r *receiver) settings(fh http2.FrameHeader) error {
	c := r.c
	switch {
	case fh.StreamID != 0:
		return protocolError("SETTINGS on stream %d", fh.StreamID)
	case fh.Flags.Has(http2.FlagSettingsAck) && fh.Length > 0, fh.Length%6 != 0:
		return &violation{http2.ErrCodeFrameSize, "SETTINGS of an odd length"}
	}
	if err := r.useless(); err != nil {
		return err
	}
	payload, err := r.in.take(int(fh.Length))
	if err != nil {
		return err
	}
	if fh.Flags.Has(http2.FlagSettingsAck) {
		c.mu.Lock()
		c.send.seen = max(c.send.seen, c.send.preface)
		c.mu.Unlock()
		c.logSettingsAck()
		return nil
	}
	c.logSettings(payload)
	c.mu.Lock()
	c.send.fr.WriteSettingsAck()
	c.send.answers++
	err = c.flooded()
	for ; len(payload) > 0 && err == nil; payload = payload[6:] {
		err = c.applySetting(http2.SettingID(binary.BigEndian.Uint16(payload)), binary.BigEndian.Uint32(payload[2:]))
	}
	c.peer.received = true
	c.mu.Unlock()
	return err
}

// applySetting holds one setting of the peer. mu is held.
func (c *Conn) applySetting(id http2.SettingID, v uint32) error {
	p := &c.peer
	switch id {
	case http2.SettingHeaderTableSize:
		c.send.enc.resize(v)
	case http2.SettingMaxConcurrentStreams:
		before := c.slots.limit
		c.slots.limit = int(min(v, maxStreams))
		if c.slots.limit > before {
			c.slotFreed()
		}
	case http2.SettingInitialWindowSize:
		if v > maxWindow {
			return nil
		}
		delta := int64(v) - p.window
		p.window = int64(v)
		for _, st := range c.streams {
			if !growWindow(&st.window, delta) {
				return &violation{http2.ErrCodeFlowControl, "SETTINGS overflow a stream's window"}
			}
			if st.sender != nil && delta > 0 {
				signal(st.sender.wake)
			}
		}
	case http2.SettingEnableConnectProtocol:
		if v > 1 || v == 0 && p.extendedConnect {
			return protocolError("ENABLE_CONNECT_PROTOCOL is %d", v)
		}
		p.extendedConnect = v == 1
	case settingNoPriorities:
		if v > 1 || p.received && v != p.noPriorities {
			return protocolError("NO_RFC7540_PRIORITIES is %d", v)
		}
		p.noPriorities = v
	}
	return nil
}
