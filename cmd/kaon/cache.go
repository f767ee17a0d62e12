package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/cache/disk"
	"github.com/kaon-net/kaon/cache/store"
	"github.com/kaon-net/kaon/net/neterr"
)

const cacheAbout = `Usage: kaon cache ls DIR
       kaon cache stat DIR
       kaon cache get [-v] DIR URL
       kaon cache rm DIR URL
       kaon cache verify DIR

Looks into a cache's directory that no program has open.

  ls      list what is stored: size, age, status, URL
  stat    print totals
  get     print the stored body of a URL, as it was received
  rm      delete what is stored for a URL
  verify  read everything, and say and delete what is damaged
`

// A cacheCommand is one of kaon cache's own commands. args are what follows DIR.
type cacheCommand struct {
	name string
	args int
	run  func(ctx context.Context, s *disk.Store, args []string, verbose bool, std streams) error
}

func cacheCommands() []cacheCommand {
	return []cacheCommand{
		{"ls", 0, cacheList},
		{"stat", 0, cacheStat},
		{"get", 1, cacheGet},
		{"rm", 1, cacheRemove},
		{"verify", 0, cacheVerify},
	}
}

func runCache(ctx context.Context, args []string, std streams) error {
	flags := pflag.NewFlagSet("cache", pflag.ContinueOnError)
	verbose := flags.BoolP("verbose", "v", false, "print the response head that get finds, to standard error")
	if err := parse(flags, cacheAbout, args, std); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return usageError{errors.New("no command given: one of ls, stat, get, rm, verify")}
	}
	for _, c := range cacheCommands() {
		if c.name != flags.Arg(0) {
			continue
		}
		if flags.NArg() != 2+c.args {
			return usageError{fmt.Errorf("%s takes %s", c.name, []string{"DIR", "DIR and URL"}[c.args])}
		}
		return withCache(flags.Arg(1), func(s *disk.Store) error {
			return c.run(ctx, s, flags.Args()[2:], *verbose, std)
		})
	}
	return usageError{fmt.Errorf("no command %q: one of ls, stat, get, rm, verify", flags.Arg(0))}
}

// withCache runs use with the store in dir, which must be there. Its limit is none: what
// is looked at is not evicted.
func withCache(dir string, use func(*disk.Store) error) error {
	s, err := disk.Open(disk.Config{Dir: dir, Size: -1, Existing: true})
	if err != nil {
		return err
	}
	return errors.Join(use(s), s.Close())
}

func cacheList(ctx context.Context, s *disk.Store, _ []string, _ bool, std streams) error {
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	for info, err := range s.All(ctx) {
		if err != nil {
			return err
		}
		head, err := peek(ctx, s, &info.Key)
		if errors.Is(err, store.ErrMiss) {
			continue
		}
		if err != nil {
			return err
		}
		age := "-"
		if !head.ResponseTime.IsZero() {
			age = time.Since(head.ResponseTime).Round(time.Second).String()
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t  %s\n", info.Size, age, cacheStatus(head), cacheKey(&info.Key))
	}
	return w.Flush()
}

func peek(ctx context.Context, s *disk.Store, key *store.Key) (*store.Head, error) {
	e, err := s.Peek(ctx, key)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Head(), nil
}

func cacheStatus(h *store.Head) string {
	switch h.State {
	case store.Truncated:
		return fmt.Sprintf("%d, cut off", h.Status)
	case store.Sparse:
		return fmt.Sprintf("%d, in parts", h.Status)
	case store.Variants:
		return "variants"
	}
	return fmt.Sprint(h.Status)
}

// cacheKey is what tells an entry from others, in printable form.
func cacheKey(k *store.Key) string {
	var b strings.Builder
	for _, r := range k.URL {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			r = '?'
		}
		b.WriteRune(r)
	}
	if k.Variant != 0 {
		fmt.Fprintf(&b, " variant %x", k.Variant)
	}
	if k.Upload != 0 {
		fmt.Fprintf(&b, " upload %d", k.Upload)
	}
	if k.Anonymous {
		b.WriteString(" anonymous")
	}
	if !k.Partition.IsZero() {
		fmt.Fprintf(&b, " for %s", k.Partition)
	}
	return b.String()
}

func cacheStat(ctx context.Context, s *disk.Store, _ []string, _ bool, std streams) error {
	var entries int
	var largest int64
	var oldest, newest time.Time
	for info, err := range s.All(ctx) {
		if err != nil {
			return err
		}
		entries++
		largest = max(largest, info.Size)
		if oldest.IsZero() || info.LastUsed.Before(oldest) {
			oldest = info.LastUsed
		}
		if info.LastUsed.After(newest) {
			newest = info.LastUsed
		}
	}
	size, err := s.Size(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "entries  %d\nbytes    %d\nlargest  %d\n", entries, size, largest)
	if entries > 0 {
		fmt.Fprintf(std.out, "used     %s to %s\n", oldest.Format(time.DateTime), newest.Format(time.DateTime))
	}
	return nil
}

func cacheGet(ctx context.Context, s *disk.Store, args []string, verbose bool, std streams) error {
	e, err := findCached(ctx, s, args[0])
	if err != nil {
		return err
	}
	defer e.Close()
	h := e.Head()
	if verbose {
		fmt.Fprintf(std.err, "%s %d %s\n", h.Proto, h.Status, h.StatusText)
		for _, f := range h.Header {
			fmt.Fprintf(std.err, "%s: %s\n", f.Name, f.Value)
		}
		fmt.Fprintln(std.err)
	}
	x := e.Extents(nil)
	if len(x) == 0 && h.State == store.Complete {
		return nil
	}
	if len(x) == 0 || x[0].Off > 0 {
		return errors.New("the beginning of the body is not stored")
	}
	if _, err := io.Copy(std.out, io.NewSectionReader(e, 0, x[0].Len)); err != nil {
		return err
	}
	if len(x) > 1 || h.State != store.Complete {
		return fmt.Errorf("only the first %d bytes of the body are stored in one piece", x[0].Len)
	}
	return nil
}

// findCached opens what is stored for a URL: for everybody, or else what was used last of
// what there is for partitions and variants.
func findCached(ctx context.Context, s *disk.Store, url string) (store.Entry, error) {
	best := store.Info{Key: store.Key{URL: url}}
	if h, err := peek(ctx, s, &best.Key); err != nil || h.State == store.Variants {
		for info, err := range s.All(ctx) {
			if err != nil {
				return nil, err
			}
			if info.Key.URL != url || info.LastUsed.Before(best.LastUsed) {
				continue
			}
			if h, err := peek(ctx, s, &info.Key); err == nil && h.State != store.Variants {
				best = *info
			}
		}
	}
	e, err := s.Peek(ctx, &best.Key)
	if errors.Is(err, store.ErrMiss) {
		return nil, errNotCached
	}
	return e, err
}

var errNotCached = &neterr.Error{Code: neterr.CacheMiss, Op: "nothing is stored for this URL"}

func cacheRemove(ctx context.Context, s *disk.Store, args []string, _ bool, std streams) error {
	removed := 0
	err := s.Clear(ctx, func(info *store.Info) bool {
		if info.Key.URL != args[0] {
			return false
		}
		removed++
		return true
	})
	if err == nil && removed == 0 {
		err = errNotCached
	}
	if removed > 0 {
		fmt.Fprintf(std.out, "%d deleted\n", removed)
	}
	return err
}

func cacheVerify(ctx context.Context, s *disk.Store, _ []string, _ bool, std streams) error {
	entries, damaged := 0, 0
	err := s.Verify(ctx, func(info *store.Info, damage error) {
		if entries++; damage == nil {
			return
		}
		damaged++
		name := cacheKey(&info.Key)
		if name == "" {
			name = "an entry whose key cannot be read"
		}
		fmt.Fprintf(std.out, "%s: %v\n", name, damage)
	})
	if err != nil {
		return err
	}
	if damaged > 0 {
		return fmt.Errorf("%d of %d entries were damaged, and are deleted", damaged, entries)
	}
	fmt.Fprintf(std.out, "%d entries, all well\n", entries)
	return nil
}
