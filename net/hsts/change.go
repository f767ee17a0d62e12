package hsts

// OnChange has f called after each time a host was learnt, or forgotten on request, in
// place of what was to be called before; nil is for nobody. f is called with no lock held,
// on the goroutine that made the change, and should return soon.
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
