package pool

import "fmt"

// check panics if the machine does not add up. It is called after every step while
// checkInvariants is true.
func (m *machine) check() {
	var busy, used, fresh, jobs, rivals, waiting, hungry int
	for k, g := range m.groups {
		must(g.key == k, "a group is under a foreign key", g)
		must(!g.isEmpty(), "an empty group is kept", g)
		n := 0
		for i := range g.waiters {
			n += g.waiters[i].n
		}
		must(g.waiting == n, "waiters are miscounted", g)
		must((g.inHungry.in != nil) == (n > 0), "a group is wrongly hungry", g)
		must(n == 0 || g.used.n+g.fresh.n == 0 || g.mux() != nil, "a request waits beside an idle connection", g)
		must(g.shared.n <= 1, "two connections carry one group", g)
		must(g.unclaimed >= 0 && g.unclaimed <= g.jobs.n, "unclaimed jobs are miscounted", g)
		must(g.backupAt.IsZero() || g.jobs.n > 0, "a backup is due without a job", g)
		for _, l := range []*list[entry]{&g.busy, &g.shared, &g.used, &g.fresh} {
			for e := l.front(); e != nil; e = e.inGroup.after() {
				must(e.group == g, "a connection is in a foreign group", g)
				must(e.served.n == 0 || !e.retired, "a retired connection serves other groups", g)
				must(e.multi != nil || e.conn.Available() <= 1, "a slot was released twice", g)
			}
		}
		if g.rival != nil {
			rivals++
			must(g.rival.group == g && !g.isOvertaken(), "a rival of nobody", g)
		}
		if e := g.via; e != nil {
			must(g.inServed.in == &e.served && e.group != nil, "a group is served by nobody", g)
			must(g.jobs.n == 0, "a job is under way that nobody needs", g)
		}
		busy += g.busy.n + g.shared.n
		used += g.used.n
		fresh += g.fresh.n
		jobs += g.jobs.n
		waiting += n
		if n > 0 {
			hungry++
		}
	}
	must(m.busy.n == busy && m.used.n+m.resting.n == used && m.fresh.n == fresh, "connections are miscounted", nil)
	must(m.jobs == jobs && m.rivals == rivals, "jobs are miscounted", nil)
	must(m.waiting == waiting && m.hungry.n == hungry, "waiters are miscounted", nil)
}

func must(ok bool, what string, g *group) {
	if ok {
		return
	}
	if g != nil {
		what = fmt.Sprintf("%s in %v", what, g.key)
	}
	panic("pool: " + what)
}
