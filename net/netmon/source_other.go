//go:build !linux

package netmon

func newSource(cfg *Config) source {
	p := newPoller(cfg)
	p.look()
	return p
}
