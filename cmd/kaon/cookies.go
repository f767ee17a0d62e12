package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/cookiejar"
	"github.com/kaon-net/kaon/net/fetch"
	"github.com/kaon-net/kaon/session"
)

const cookiesAbout = `Usage: kaon cookies ls     --profile DIR [filters]
       kaon cookies get    --profile DIR URL [NAME]
       kaon cookies set    --profile DIR URL SET-COOKIE
       kaon cookies rm     --profile DIR URL NAME | filters | --all
       kaon cookies import --profile DIR [--format FORMAT] FILE
       kaon cookies export --profile DIR [--format FORMAT] [filters]

Shows and changes the cookies that a session keeps in its directory, which no other
program may have open meanwhile.

  ls      lists cookies, without their values
  get     prints name=value of what a request to URL would send, one a line, or the
          value of the cookie of that name
  set     stores a cookie as if URL had sent this Set-Cookie field; - reads fields from
          standard input, one a line
  rm      removes what a request to URL would send under that name, or what the filters
          choose
  import  reads cookies.txt or JSON; - is standard input. Cookies that are there
          already are replaced. Nothing is stored if anything is wrong.
  export  prints cookies.txt or JSON, values and all
`

// cookiesOptions are the command line of kaon cookies.
type cookiesOptions struct {
	profileOptions
	url, domain, host, name string
	all                     bool
	format                  string
	flags                   *pflag.FlagSet
}

// A cookieAction is one verb of kaon cookies. Its run takes the arguments after the verb.
type cookieAction struct {
	name          string
	least, most   int  // arguments
	filters, only bool // takes filters; needs a profile that is there
	run           func(ctx context.Context, o *cookiesOptions, jar *cookiejar.Jar, args []string, std streams) error
}

func cookieActions() []cookieAction {
	return []cookieAction{
		{"ls", 0, 0, true, true, listCookies},
		{"get", 1, 2, false, true, getCookies},
		{"set", 2, 2, false, false, setCookie},
		{"rm", 0, 2, true, true, removeCookies},
		{"import", 1, 1, false, false, importCookies},
		{"export", 0, 0, true, true, exportCookies},
	}
}

func runCookies(ctx context.Context, args []string, std streams) error {
	o := cookiesOptions{flags: pflag.NewFlagSet("cookies", pflag.ContinueOnError)}
	o.add(o.flags)
	o.flags.StringVar(&o.domain, "domain", "", "filter: cookies of `DOMAIN` and of all below it")
	o.flags.StringVar(&o.host, "host", "", "filter: cookies that are sent to `HOST`")
	o.flags.StringVar(&o.url, "url", "", "filter: cookies that a request to `URL` would send")
	o.flags.StringVar(&o.name, "name", "", "filter: cookies called `NAME`")
	o.flags.BoolVar(&o.all, "all", false, "rm: all cookies")
	o.flags.StringVar(&o.format, "format", "", "`FORMAT` is netscape, which is cookies.txt, or json; export: netscape, import: what the file looks like")
	if err := parse(o.flags, cookiesAbout, args, std); err != nil {
		return err
	}
	action, rest, err := o.action()
	if err != nil {
		return usageError{err}
	}
	var cfg session.Config
	if err := o.apply(&cfg); err != nil {
		return err
	}
	if action.only {
		if _, err := os.Stat(cfg.Path); err != nil {
			return fmt.Errorf("--profile: %w", err)
		}
	}
	return withSession(ctx, cfg, "", func(ses *session.Session) error {
		return action.run(ctx, &o, ses.Cookies(), rest, std)
	})
}

// action finds the verb, and what is wrong with what stands around it.
func (o *cookiesOptions) action() (a cookieAction, args []string, err error) {
	if o.flags.NArg() == 0 {
		return a, nil, errors.New("no command given: ls, get, set, rm, import or export")
	}
	for _, a := range cookieActions() {
		if a.name != o.flags.Arg(0) {
			continue
		}
		args := o.flags.Args()[1:]
		switch {
		case o.dir == "":
			return a, nil, errors.New("--profile says whose cookies")
		case len(args) < a.least || len(args) > a.most:
			return a, nil, fmt.Errorf("%s does not take %d arguments", a.name, len(args))
		case o.isFiltered() && !a.filters:
			return a, nil, fmt.Errorf("%s takes no filters", a.name)
		case o.all && a.name != "rm":
			return a, nil, fmt.Errorf("%s takes no --all", a.name)
		case o.format != "" && a.name != "import" && a.name != "export":
			return a, nil, fmt.Errorf("%s takes no --format", a.name)
		case o.format != "" && o.format != "netscape" && o.format != "json":
			return a, nil, fmt.Errorf("--format is netscape or json, not %q", o.format)
		}
		return a, args, nil
	}
	return a, nil, fmt.Errorf("no command %q: there are ls, get, set, rm, import and export", o.flags.Arg(0))
}

func (o *cookiesOptions) isFiltered() bool {
	return slices.ContainsFunc([]string{"domain", "host", "url", "name"}, o.flags.Changed)
}

func (o *cookiesOptions) filter() (f cookiejar.Filter, err error) {
	f.Domain, f.Host = o.domain, o.host
	if o.flags.Changed("name") {
		f.Name = &o.name
	}
	if o.url != "" {
		f.URL, err = cookieURL(o.url)
	}
	return f, err
}

// cookieURL parses an argument. Its error is the command line's.
func cookieURL(s string) (*url.URL, error) {
	u, err := fetch.ParseURL(s)
	if err != nil {
		return nil, usageError{fmt.Errorf("URL: %w", err)}
	}
	return u, nil
}
