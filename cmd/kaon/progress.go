package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

const (
	progressAfter = 500 * time.Millisecond // downloads that end sooner would only flicker
	progressEvery = 100 * time.Millisecond
)

// A screen is a terminal that can be drawn on.
type screen struct{ *os.File }

// terminal returns w as the terminal that it is, or nil.
func terminal(w io.Writer) *screen {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &screen{f}
	}
	return nil
}

// columns is the width, asked anew each time: windows are resized.
func (s *screen) columns() int {
	w, _, err := term.GetSize(int(s.Fd()))
	if err != nil || w <= 0 {
		return 80
	}
	return w
}

// A progress draws how far a body has come, on the last line of a terminal. It is
// drawn as bytes arrive, so the goroutine that reads the body is the only one.
type progress struct {
	w       io.Writer
	columns func() int
	total   int64 // of the body in bytes; -1 is unknown
	start   time.Time

	got   int64
	drawn time.Time // zero until the first time
	shown int       // length of what is on the line
}

// reader returns a reader of r that counts.
func (p *progress) reader(r io.Reader) io.Reader { return &progressReader{r, p} }

type progressReader struct {
	r io.Reader
	p *progress
}

func (r *progressReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.p.add(int64(n))
	return n, err
}

func (p *progress) add(n int64) {
	p.got += n
	now := time.Now()
	if now.Sub(p.start) < progressAfter || now.Sub(p.drawn) < progressEvery {
		return
	}
	p.drawn = now
	// A line as wide as the terminal would break, and stay.
	p.draw(p.line(now.Sub(p.start), p.columns()-1))
}

// clear removes what was drawn.
func (p *progress) clear() {
	if p.shown > 0 {
		p.draw("")
		fmt.Fprint(p.w, "\r")
	}
}

// draw replaces the line. Blanks cover the rest of a longer one: no escape sequence
// that a terminal might not know.
func (p *progress) draw(line string) {
	fmt.Fprintf(p.w, "\r%-*s", p.shown, line)
	p.shown = len(line)
}

// line says it in at most width columns: the bar takes what the numbers leave, and
// goes first where there is little.
func (p *progress) line(elapsed time.Duration, width int) string {
	rate := float64(p.got) / elapsed.Seconds()
	if p.total <= 0 || p.got > p.total { // unknown, or a server that lied
		return cut(fmt.Sprintf("%s  %s/s", size(float64(p.got)), size(rate)), width)
	}
	done := float64(p.got) / float64(p.total)
	s := fmt.Sprintf("%3d%%  %s of %s  %s/s  %s left", int(100*done),
		size(float64(p.got)), size(float64(p.total)), size(rate), timeLeft(float64(p.total-p.got), rate))
	const least, most = 10, 40 // columns of a bar
	bar := min(width-len(s)-len("[] "), most)
	if bar < least {
		return cut(s, width)
	}
	full := int(float64(bar) * done)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", bar-full) + "] " + s
}

func cut(s string, width int) string { return s[:min(len(s), max(width, 0))] }

// timeLeft guesses how long the rest takes. Beyond a few days nobody wants the
// seconds, and a lying Content-Length gives thousands of years.
func timeLeft(bytes, rate float64) string {
	seconds := bytes / rate
	if !(seconds < 100*60*60) { // nor when rate is 0
		return "days"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// size writes a number of bytes with the unit that fits.
func size(n float64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	if n < 1024 {
		return fmt.Sprintf("%.0f B", n)
	}
	i := 0
	for n /= 1024; n >= 1024 && i < len(units)-1; i++ {
		n /= 1024
	}
	return fmt.Sprintf("%.1f %s", n, units[i])
}
