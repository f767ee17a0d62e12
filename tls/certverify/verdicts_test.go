package certverify_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kaon-net/kaon/net/neterr"
	"github.com/kaon-net/kaon/tls/certverify"
)

// A counter is a Proc that leaves every verdict as it is and counts how many were
// made.
type counter struct{ made int }

func (c *counter) proc(context.Context, *certverify.Request) error {
	c.made++
	return certverify.UseDefault
}

func TestVerdictsAreKept(t *testing.T) {
	root := issue(t, "root", nil, ca)
	inter := issue(t, "intermediate", root, ca)
	leaf := issue(t, "leaf", inter, names(host))
	p := func() *certverify.Params {
		return &certverify.Params{Host: host, Certificates: certs(leaf, inter), OCSPResponse: []byte("a"), SCTs: [][]byte{[]byte("b")}}
	}
	for _, c := range []struct {
		name string
		edit func(*certverify.Params)
		kept bool
	}{
		{"the same", func(*certverify.Params) {}, true},
		{"parsed again", func(p *certverify.Params) {
			again, err := x509.ParseCertificate(leaf.cert.Raw)
			if err != nil {
				t.Fatal(err)
			}
			p.Certificates[0] = again
		}, true},
		{"another host", func(p *certverify.Params) { p.Host = "other.test" }, false},
		{"another certificate", func(p *certverify.Params) { p.Certificates[0] = issue(t, "leaf", inter, names(host)).cert }, false},
		{"another order", func(p *certverify.Params) { p.Certificates = append(p.Certificates, p.Certificates[0]) }, false},
		{"one fewer", func(p *certverify.Params) { p.Certificates = p.Certificates[:1] }, false},
		{"another staple", func(p *certverify.Params) { p.OCSPResponse = []byte("c") }, false},
		{"no staple", func(p *certverify.Params) { p.OCSPResponse = nil }, false},
		{"other SCTs", func(p *certverify.Params) { p.SCTs = nil }, false},
		{"the staple as SCT", func(p *certverify.Params) { p.OCSPResponse, p.SCTs = nil, [][]byte{[]byte("a"), []byte("b")} }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n counter
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now), Proc: n.proc})
			first, _ := v.Verify(t.Context(), p())
			second := p()
			c.edit(second)
			res, _ := v.Verify(t.Context(), second)
			if kept := n.made == 1; kept != c.kept || kept != (res == first) {
				t.Errorf("got %d verdicts, the same %v; want the first kept: %v", n.made, res == first, c.kept)
			}
		})
	}
}

func TestRefusalsAreKept(t *testing.T) {
	var n int
	v := certverify.New(certverify.Config{Roots: pool(), Now: at(now), Proc: func(context.Context, *certverify.Request) error {
		n++
		return errors.New("no")
	}})
	p := &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", nil, names(host)))}
	for range 2 {
		if _, err := v.Verify(t.Context(), p); !errors.Is(err, neterr.Failed) {
			t.Errorf("got %v, want %v", err, neterr.Failed)
		}
	}
	if n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
}

func TestVerdictsAge(t *testing.T) {
	root := issue(t, "root", nil, ca)
	inter := issue(t, "intermediate", root, both(ca, func(c *x509.Certificate) { c.NotAfter = now.Add(20 * time.Minute) }))
	long := issue(t, "leaf", root, names(host))
	short := issue(t, "leaf", inter, names(host))
	early := issue(t, "leaf", root, both(names(host), func(c *x509.Certificate) { c.NotBefore = now.Add(10 * time.Minute) }))
	for _, c := range []struct {
		name  string
		sent  []*x509.Certificate
		later time.Duration
		kept  bool
		want  neterr.Code
	}{
		{"within half an hour", certs(long), 30*time.Minute - 1, true, neterr.OK},
		{"half an hour", certs(long), 30 * time.Minute, false, neterr.OK},
		{"clock set back", certs(long), -1, false, neterr.OK},
		{"still valid", certs(short, inter), 20*time.Minute - 1, true, neterr.OK},
		{"no longer valid", certs(short, inter), 20*time.Minute + 1, false, neterr.CertDateInvalid},
		{"still not valid", certs(early), 10*time.Minute - 1, true, neterr.CertDateInvalid},
		{"valid now", certs(early), 10 * time.Minute, false, neterr.OK},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n counter
			clock := now
			v := certverify.New(certverify.Config{Roots: pool(root), Now: func() time.Time { return clock }, Proc: n.proc})
			p := &certverify.Params{Host: host, Certificates: c.sent}
			_, _ = v.Verify(t.Context(), p)
			clock = now.Add(c.later)
			_, err := v.Verify(t.Context(), p)
			if got := neterr.CodeOf(err); got != c.want || (n.made == 1) != c.kept {
				t.Errorf("got %v after %d verdicts, want %v, kept %v", err, n.made, c.want, c.kept)
			}
		})
	}
}

func TestVerdictsAreBounded(t *testing.T) {
	leaf := certs(issue(t, "leaf", nil, names(host)))
	for _, c := range []struct{ size, hosts, atLeast, atMost int }{
		{-1, 2, 2, 2}, // all made again
		{2, 2, 0, 0},
		{2, 5, 3, 5},
		{0, 256, 0, 0},
		{0, 300, 44, 300},
	} {
		var n counter
		v := certverify.New(certverify.Config{Roots: pool(), Now: at(now), CacheSize: c.size, Proc: n.proc})
		round := func() {
			for i := range c.hosts {
				_, _ = v.Verify(t.Context(), &certverify.Params{Host: strconv.Itoa(i) + ".test", Certificates: leaf})
			}
		}
		round()
		n.made = 0
		round()
		if n.made < c.atLeast || n.made > c.atMost {
			t.Errorf("size %d, %d hosts: made %d verdicts again, want %d to %d", c.size, c.hosts, n.made, c.atLeast, c.atMost)
		}
	}
}

// A change of settings forgets what was found before, and tells who listens.
func TestChange(t *testing.T) {
	root := issue(t, "root", nil, ca)
	p := &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", root, names(host)))}
	v := certverify.New(certverify.Config{Roots: pool(), Now: at(now)})
	told := 0
	stop := v.OnChange(func() { told++ })
	want := func(step string, code neterr.Code, changes int) {
		t.Helper()
		if _, err := v.Verify(t.Context(), p); neterr.CodeOf(err) != code {
			t.Errorf("%s: got %v, want %v", step, err, code)
		}
		if told != changes || v.Generation() != uint64(changes) {
			t.Errorf("%s: told %d times, generation %d; want %d", step, told, v.Generation(), changes)
		}
	}
	want("no roots", neterr.CertAuthorityInvalid, 0)
	v.SetProc(func(context.Context, *certverify.Request) error { return nil })
	want("a proc that accepts", neterr.OK, 1)
	v.SetProc(func(context.Context, *certverify.Request) error { return neterr.CertRevoked })
	want("a proc that rejects", neterr.CertRevoked, 2)
	v.SetProc(nil)
	want("none", neterr.CertAuthorityInvalid, 3)
	v.SetRoots(pool(root), nil)
	want("roots", neterr.OK, 4)
	v.SetRoots(pool(), certs(root))
	want("an extra root", neterr.OK, 5)
	stop()
	v.SetRoots(pool(), nil)
	if _, err := v.Verify(t.Context(), p); told != 5 || !errors.Is(err, neterr.CertAuthorityInvalid) {
		t.Errorf("after stop: told %d times, %v; want 5, %v", told, err, neterr.CertAuthorityInvalid)
	}
}

func TestOneVerdictForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := issue(t, "root", nil, ca)
		p := &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", root, names(host)))}
		asked, answer := 0, make(chan struct{})
		v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now), CacheSize: -1, Proc: func(context.Context, *certverify.Request) error {
			asked++
			<-answer
			return nil
		}})
		results := make([]*certverify.Result, 8)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() { results[i], _ = v.Verify(t.Context(), p) })
		}
		synctest.Wait()
		// One that waits gives up without harm to the others.
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if _, err := v.Verify(ctx, p); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(answer)
		wg.Wait()
		if asked != 1 {
			t.Errorf("asked %d times, want once", asked)
		}
		for _, r := range results {
			if r == nil || r != results[0] {
				t.Errorf("got %p, want %p for all", r, results[0])
			}
		}
	})
}

// Who does the work may give up, or be hindered by the program's own fault: then
// another one does it.
func TestWorkGivenUp(t *testing.T) {
	root := issue(t, "root", nil, ca)
	p := &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", root, names(host)))}
	for _, fault := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			asked := 0
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now), Proc: func(ctx context.Context, _ *certverify.Request) error {
				asked++
				if asked > 1 {
					return nil
				}
				<-ctx.Done()
				if fault {
					panic("a fault of the program")
				}
				return nil
			}})
			var wg sync.WaitGroup
			wg.Go(func() {
				defer func() {
					if got := recover() != nil; got != fault {
						t.Errorf("panicked: got %v, want %v", got, fault)
					}
				}()
				if res, err := v.Verify(ctx, p); res != nil || !errors.Is(err, context.Canceled) {
					t.Errorf("cancelled: got %v, %v", res, err)
				}
			})
			synctest.Wait()
			wg.Go(func() {
				if res, err := v.Verify(t.Context(), p); res == nil || err != nil {
					t.Errorf("the other: got %v, %v", res, err)
				}
			})
			synctest.Wait()
			cancel()
			wg.Wait()
			if asked != 2 {
				t.Errorf("asked %d times, want 2", asked)
			}
		})
	}
}

// A verdict that was being made when the settings changed is made again.
func TestChangeMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := issue(t, "root", nil, ca)
		p := &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", root, names(host)))}
		v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
		answer := make(chan struct{})
		v.SetProc(func(context.Context, *certverify.Request) error {
			<-answer
			return nil
		})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if _, err := v.Verify(t.Context(), p); !errors.Is(err, neterr.CertRevoked) {
					t.Errorf("got %v, want %v of the proc that holds now", err, neterr.CertRevoked)
				}
			})
		}
		synctest.Wait()
		v.SetProc(func(context.Context, *certverify.Request) error { return neterr.CertRevoked })
		close(answer)
		wg.Wait()
	})
}

func TestKeptVerdictAllocatesNothing(t *testing.T) {
	root := issue(t, "root", nil, ca)
	p := &certverify.Params{Host: host, Certificates: certs(issue(t, "leaf", root, names(host)), root), OCSPResponse: []byte("staple"), SCTs: [][]byte{[]byte("sct")}}
	v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now)})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := v.Verify(t.Context(), p); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

func BenchmarkVerify(b *testing.B) {
	root := issue(b, "root", nil, ca)
	inter := issue(b, "intermediate", root, ca)
	p := &certverify.Params{Host: host, Certificates: certs(issue(b, "leaf", inter, names(host)), inter)}
	for _, c := range []struct {
		name string
		size int
	}{{"kept", 0}, {"made", -1}} {
		b.Run("verdict="+c.name, func(b *testing.B) {
			v := certverify.New(certverify.Config{Roots: pool(root), Now: at(now), CacheSize: c.size})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
