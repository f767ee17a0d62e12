package mem

// Taken is what counts against the limit.
func Taken(s *Store) int64 { return s.taken() }

var (
	DefaultSize    = defaultSize
	PhysicalMemory = physicalMemory
)
