package altsvc

import (
	"time"

	"github.com/kaon-net/kaon/net/origin"
)

// SetRoundTrip notes how long a round trip to o's server takes, smoothed, as QUIC has
// measured it (Chromium: ServerNetworkStats); 0 forgets it.
func (s *Store) SetRoundTrip(o origin.Origin, isolation origin.Key, smoothed time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := (serverKey{o, isolation}); smoothed > 0 {
		s.trips.put(k, smoothed)
	} else {
		s.trips.remove(k)
	}
}

// RoundTrip returns what SetRoundTrip noted; 0 if that is not known.
func (s *Store) RoundTrip(o origin.Origin, isolation origin.Key) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d, ok := s.trips.get(serverKey{o, isolation}); ok {
		return *d
	}
	return 0
}
