package altsvc

// OnChange has f called after each time something was learnt or forgotten, in place of
// what was to be called before; nil is for nobody. What is told once more, and what
// expires, does not count. f is called with no lock held, on the goroutine that made the
// change, and should return soon.
func (s *Store) OnChange(f func()) {
	if f == nil {
		s.onChange.Store(nil)
		return
	}
	s.onChange.Store(&f)
}

func (s *Store) changed() {
	if f := s.onChange.Load(); f != nil {
		(*f)()
	}
}
