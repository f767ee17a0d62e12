package tls

import "time"

// A pauseTimer calls a function after a time in which pauses do not count. It belongs
// to one goroutine.
type pauseTimer struct {
	timer *time.Timer // nil never fires
	left  time.Duration
	since time.Time
}

func startTimer(d time.Duration, f func()) *pauseTimer {
	if d < 0 {
		return &pauseTimer{}
	}
	return &pauseTimer{time.AfterFunc(d, f), d, time.Now()}
}

func (t *pauseTimer) pause() {
	if t.timer != nil && t.timer.Stop() {
		t.left -= time.Since(t.since)
	}
}

func (t *pauseTimer) resume() {
	if t.timer != nil {
		t.since = time.Now()
		t.timer.Reset(max(t.left, 0))
	}
}

func (t *pauseTimer) stop() {
	if t.timer != nil {
		t.timer.Stop()
	}
}
