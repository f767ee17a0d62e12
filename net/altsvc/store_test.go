package altsvc_test

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/kaon-net/kaon/net/altsvc"
	"github.com/kaon-net/kaon/net/origin"
)

// TestScenarios runs testdata/*. Each begins with a store and a clock of its own.
//
//	new [servers=N] [broken=N] [delay=D]
//	learn ORIGIN [isolation=SITE]     the field's value is the input
//	lookup ORIGIN [isolation=SITE]
//	broken | until-network | recently | confirm | state HOST:PORT [isolation=SITE]
//	network                           the network changes
//	wait D
//	clear [HOST]
//	snapshot
//	restart                           a snapshot, restored into a new store
func TestScenarios(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		w := world{now: time.Unix(1e9, 0), s: altsvc.NewStore(altsvc.Config{})}
		datadriven.RunTest(t, path, w.run)
	})
}

type world struct {
	s   *altsvc.Store
	now time.Time
}

func (w *world) run(t *testing.T, d *datadriven.TestData) string {
	isolation := isolationOf(t, d)
	switch d.Cmd {
	case "new":
		var cfg altsvc.Config
		maybe(t, d, "servers", &cfg.MaxServers)
		maybe(t, d, "broken", &cfg.MaxBroken)
		if delay := ""; maybe(t, d, "delay", &delay) {
			cfg.BrokenDelay = duration(t, delay)
		}
		w.s = altsvc.NewStore(cfg)
		return ""
	case "learn":
		ok := w.s.Learn(originOf(t, d), isolation, d.Input, w.now)
		return fmt.Sprintf("valid=%v, %d origins\n", ok, w.s.Len())
	case "lookup":
		var b strings.Builder
		for _, a := range w.s.Lookup(nil, originOf(t, d), isolation, w.now) {
			fmt.Fprintf(&b, "%s %s:%d for %v", a.Protocol, a.Host, a.Port, a.Expires.Sub(w.now))
			if a.Broken {
				b.WriteString(", broken")
			}
			if a.RecentlyBroken {
				b.WriteString(", recently broken")
			}
			b.WriteString("\n")
		}
		return orNothing(b.String())
	case "broken":
		w.s.MarkBroken(serviceOf(t, d), isolation, w.now)
		return ""
	case "until-network":
		w.s.MarkBrokenUntilNetworkChange(serviceOf(t, d), isolation, w.now)
		return ""
	case "recently":
		w.s.MarkRecentlyBroken(serviceOf(t, d), isolation)
		return ""
	case "confirm":
		w.s.Confirm(serviceOf(t, d), isolation)
		return ""
	case "state":
		v := serviceOf(t, d)
		return fmt.Sprintf("broken=%v recently=%v\n", w.s.Broken(v, isolation, w.now), w.s.RecentlyBroken(v, isolation))
	case "network":
		w.s.NetworkChanged()
		return ""
	case "wait":
		w.now = w.now.Add(duration(t, d.CmdArgs[0].Key))
		return ""
	case "clear":
		if len(d.CmdArgs) == 0 {
			w.s.Clear(nil)
		} else {
			w.s.Clear(func(o origin.Origin, _ origin.Key) bool { return o.Host == d.CmdArgs[0].Key })
		}
		return w.snapshot()
	case "snapshot":
		return w.snapshot()
	case "restart":
		snap := w.s.Snapshot(w.now)
		w.s = altsvc.NewStore(altsvc.Config{})
		w.s.Restore(snap, w.now)
		return w.snapshot()
	}
	d.Fatalf(t, "what is %s?", d.Cmd)
	return ""
}

func (w *world) snapshot() string {
	var b strings.Builder
	snap := w.s.Snapshot(w.now)
	for _, s := range snap.Servers {
		fmt.Fprintf(&b, "%s [%s]:", s.Origin, s.Isolation)
		for _, a := range s.Alternatives {
			fmt.Fprintf(&b, " %s=%s:%d for %v", a.Protocol, a.Host, a.Port, a.Expires.Sub(w.now))
		}
		b.WriteString("\n")
	}
	for _, f := range snap.Broken {
		fmt.Fprintf(&b, "%s:%d [%s]: failed %d times", f.Service.Host, f.Service.Port, f.Isolation, f.Count)
		if !f.Until.IsZero() {
			fmt.Fprintf(&b, ", broken for %v", f.Until.Sub(w.now))
		}
		b.WriteString("\n")
	}
	return orNothing(b.String())
}

func orNothing(s string) string {
	if s == "" {
		return "nothing\n"
	}
	return s
}

func isolationOf(t *testing.T, d *datadriven.TestData) origin.Key {
	var site string
	if !maybe(t, d, "isolation", &site) {
		return origin.Key{}
	}
	s := origin.Site{Scheme: "https", Domain: site}
	return origin.NewKey(s, s)
}

func originOf(t *testing.T, d *datadriven.TestData) origin.Origin {
	u, err := url.Parse(d.CmdArgs[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	return origin.Of(u)
}

func serviceOf(t *testing.T, d *datadriven.TestData) altsvc.Service {
	host, port, ok := origin.SplitHostPort("https", d.CmdArgs[0].Key)
	if !ok {
		d.Fatalf(t, "%s is no service", d.CmdArgs[0].Key)
	}
	return altsvc.Service{Protocol: "h3", Host: host, Port: port}
}

func maybe(t *testing.T, d *datadriven.TestData, arg string, to any) bool {
	if !d.HasArg(arg) {
		return false
	}
	d.ScanArgs(t, arg, to)
	return true
}

func duration(t *testing.T, s string) time.Duration {
	v, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLimits: a server can make a store hold no more than so many alternatives, of so
// many origins.
func TestLimits(t *testing.T) {
	s := altsvc.NewStore(altsvc.Config{})
	now := time.Now()
	field := strings.Repeat(`h3=":443", `, 1000)
	for i := range 2 * altsvc.DefaultMaxServers {
		host := "h" + strconv.Itoa(i) + ".googlevideo.com"
		site := origin.Site{Scheme: "https", Domain: host}
		key := origin.NewKey(site, site)
		s.Learn(origin.Origin{Scheme: "https", Host: host, Port: 443}, key, field, now)
		s.MarkBroken(altsvc.Service{Protocol: "h3", Host: host, Port: 443}, key, now)
	}
	snap := s.Snapshot(now)
	if got := len(snap.Servers); got != altsvc.DefaultMaxServers {
		t.Errorf("%d origins", got)
	}
	if got := len(snap.Broken); got != altsvc.DefaultMaxBroken {
		t.Errorf("%d failures", got)
	}
	if got := len(snap.Servers[0].Alternatives); got != 16 {
		t.Errorf("%d alternatives", got)
	}
}

// TestRestoreUntrusted: what a store would not have kept does not come in by a snapshot.
func TestRestoreUntrusted(t *testing.T) {
	now := time.Now()
	later := now.Add(time.Hour)
	o := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	with := func(o origin.Origin, a altsvc.Service) altsvc.Server {
		return altsvc.Server{Origin: o, Alternatives: []altsvc.Advertised{{Service: a, Expires: later}}}
	}
	s := altsvc.NewStore(altsvc.Config{})
	good := altsvc.Service{Protocol: "h3", Host: "a.test", Port: 443}
	s.Restore(altsvc.Snapshot{
		Servers: []altsvc.Server{
			with(origin.Origin{}, good),
			with(origin.Origin{Scheme: "http", Host: "a.test", Port: 80}, good),
			with(o, altsvc.Service{Protocol: "h2", Port: 443}),
			with(o, altsvc.Service{Protocol: "h3"}),
			with(o, altsvc.Service{Protocol: "h3", Host: "a b", Port: 443}),
			{Origin: o},
		},
		Broken: []altsvc.Failure{
			{Service: altsvc.Service{Protocol: "h2", Host: "a.test", Port: 443}, Count: 1},
			{Service: altsvc.Service{Protocol: "h3", Port: 443}, Count: 1},
			{Service: good, Count: 0, Until: later},
		},
	}, now)
	if snap := s.Snapshot(now); len(snap.Servers)+len(snap.Broken) != 0 {
		t.Errorf("restored %v", snap)
	}
	s.Restore(altsvc.Snapshot{Broken: []altsvc.Failure{{Service: good, Count: 3, Until: now.AddDate(9, 0, 0)}}}, now)
	if !s.Broken(good, origin.Key{}, now) || s.Broken(good, origin.Key{}, now.Add(48*time.Hour)) {
		t.Error("a service is broken for other than 2 days")
	}
}

// TestConcurrent is for the race detector.
func TestConcurrent(t *testing.T) {
	s := altsvc.NewStore(altsvc.Config{MaxServers: 4, MaxBroken: 4})
	now := time.Now()
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 100 {
				o := origin.Origin{Scheme: "https", Host: "h" + strconv.Itoa((i+n)%8) + ".gvt1.com", Port: 443}
				at := now.Add(time.Duration(n) * time.Minute)
				s.Learn(o, origin.Key{}, `h3=":443"`, at)
				for _, a := range s.Lookup(nil, o, origin.Key{}, at) {
					s.MarkBrokenUntilNetworkChange(a.Service, origin.Key{}, at)
				}
				s.NetworkChanged()
				s.Restore(s.Snapshot(at), at)
			}
		})
	}
	wg.Wait()
	if s.Len() > 4 {
		t.Errorf("%d origins", s.Len())
	}
}

// TestLookupAllocs: asking costs nothing.
func TestLookupAllocs(t *testing.T) {
	s := altsvc.NewStore(altsvc.Config{})
	o := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	now := time.Now()
	s.Learn(o, origin.Key{}, `h3=":443"`, now)
	var room [4]altsvc.Alternative
	if n := testing.AllocsPerRun(100, func() { s.Lookup(room[:0], o, origin.Key{}, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestRepeated: a server that says the same with each response costs no more than one
// that says nothing, and what it says holds for longer. Once some of it is forgotten, it
// is news again.
func TestRepeated(t *testing.T) {
	s := altsvc.NewStore(altsvc.Config{})
	o := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	const field = `h3=":443"; ma=60, h3=":444"; ma=3600`
	now := time.Now()
	s.Learn(o, origin.Key{}, field, now)
	if n := testing.AllocsPerRun(100, func() { s.Learn(o, origin.Key{}, field, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, tt := range []struct {
		after time.Duration
		learn bool
		want  int
	}{
		{50 * time.Second, true, 2},
		{100 * time.Second, false, 2},
		{200 * time.Second, false, 1},
		{200 * time.Second, true, 2},
		{time.Hour, false, 1},
	} {
		if tt.learn {
			s.Learn(o, origin.Key{}, field, now.Add(tt.after))
		}
		if got := s.Lookup(nil, o, origin.Key{}, now.Add(tt.after)); len(got) != tt.want {
			t.Errorf("after %v: %v, want %d", tt.after, got, tt.want)
		}
	}
}

// TestRoundTrips are kept for a server, go into snapshots and come out of them.
func TestRoundTrips(t *testing.T) {
	s, restored := altsvc.NewStore(altsvc.Config{}), altsvc.NewStore(altsvc.Config{})
	a := origin.Origin{Scheme: "https", Host: "a.test", Port: 443}
	b := origin.Origin{Scheme: "https", Host: "b.test", Port: 443}
	s.SetRoundTrip(a, origin.Key{}, time.Second)
	s.SetRoundTrip(b, origin.Key{}, time.Second)
	s.SetRoundTrip(b, origin.Key{}, 0)
	restored.Restore(s.Snapshot(time.Now()), time.Now())
	for _, s := range []*altsvc.Store{s, restored} {
		if x, y := s.RoundTrip(a, origin.Key{}), s.RoundTrip(b, origin.Key{}); x != time.Second || y != 0 {
			t.Errorf("got %v and %v, want 1s and 0", x, y)
		}
	}
	s.Clear(nil)
	if d := s.RoundTrip(a, origin.Key{}); d != 0 {
		t.Errorf("got %v after Clear", d)
	}
}
