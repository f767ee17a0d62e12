package dial_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/kaon-net/kaon/net/dial"
)

func TestSocketOptions(t *testing.T) {
	port := listen(t, "127.0.0.1:0")
	tests := []struct {
		name                   string
		keepAlive              time.Duration
		enabled, idle, noDelay int
	}{
		{"default", 0, 1, 45, 1},
		{"given", time.Minute, 1, 60, 1},
		{"none", -1, 0, -1, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := dial.Dialer{KeepAlive: tt.keepAlive}
			res, err := d.Dial(t.Context(), &dial.Request{Host: "127.0.0.1", Port: port})
			if err != nil {
				t.Fatal(err)
			}
			defer res.Conn.Close()
			option := func(level, opt int) (v int) {
				t.Helper()
				raw, err := res.Conn.(*net.TCPConn).SyscallConn()
				if err != nil {
					t.Fatal(err)
				}
				raw.Control(func(fd uintptr) { v, err = syscall.GetsockoptInt(int(fd), level, opt) })
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			if got := option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE); got != tt.enabled {
				t.Errorf("SO_KEEPALIVE is %d, want %d", got, tt.enabled)
			}
			if got := option(syscall.IPPROTO_TCP, syscall.TCP_NODELAY); got != tt.noDelay {
				t.Errorf("TCP_NODELAY is %d, want %d", got, tt.noDelay)
			}
			if tt.idle < 0 {
				return
			}
			if got := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE); got != tt.idle {
				t.Errorf("TCP_KEEPIDLE is %d s, want %d", got, tt.idle)
			}
			if got := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL); got != tt.idle {
				t.Errorf("TCP_KEEPINTVL is %d s, want %d", got, tt.idle)
			}
		})
	}
}
