package pool

import (
	"fmt"
	"testing"
)

// TestMemory: the server heard of least recently is forgotten at the limit.
func TestMemory(t *testing.T) {
	var m memory
	key := func(i int) *Key { return &Key{Scheme: "https", Host: fmt.Sprint("h", i), Port: 443} }
	for i := range maxServers {
		m.learn(key(i), true)
	}
	m.learn(key(0), true)
	m.learn(key(maxServers), true)
	for i, want := range map[int]bool{0: true, 1: false, 2: true, maxServers: true} {
		if got := m.has(key(i)); got != want {
			t.Errorf("has(%v): got %v, want %v", key(i), got, want)
		}
	}
	m.learn(key(2), false)
	if m.has(key(2)) || len(m.byServer) != maxServers-1 || m.order.n != maxServers-1 {
		t.Errorf("after one spoke HTTP/1.1: known %v, %d and %d servers", m.has(key(2)), len(m.byServer), m.order.n)
	}
}
