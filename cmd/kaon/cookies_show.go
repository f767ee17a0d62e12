package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/kaon-net/kaon/cookiejar"
)

func listCookies(_ context.Context, o *cookiesOptions, jar *cookiejar.Jar, _ []string, std streams) error {
	f, err := o.filter()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(std.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DOMAIN\tPATH\tNAME\tEXPIRES\tFLAGS")
	for c := range jar.All(f) {
		domain, expires := c.Domain, "with the session"
		if !c.HostOnly {
			domain = "." + domain
		}
		if !c.IsSession() {
			expires = c.Expires.Format("2006-01-02 15:04:05Z")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", domain, c.Path, c.Name, expires, cookieFlags(&c))
	}
	return w.Flush()
}

// cookieFlags writes what else is said of a cookie, in the words of Set-Cookie.
func cookieFlags(c *cookiejar.Cookie) string {
	var words []string
	for _, f := range []struct {
		on   bool
		word string
	}{
		{c.Secure, "Secure"},
		{c.HTTPOnly, "HttpOnly"},
		{c.SameSite == cookiejar.None, "SameSite=None"},
		{c.SameSite == cookiejar.Lax, "SameSite=Lax"},
		{c.SameSite == cookiejar.Strict, "SameSite=Strict"},
		{c.Priority != cookiejar.Medium, "Priority=" + c.Priority.String()},
		{!c.Partition.IsZero(), "Partitioned"},
	} {
		if f.on {
			words = append(words, f.word)
		}
	}
	return strings.Join(words, " ")
}

func getCookies(_ context.Context, _ *cookiesOptions, jar *cookiejar.Jar, args []string, std streams) error {
	u, err := cookieURL(args[0])
	if err != nil {
		return err
	}
	f := cookiejar.Filter{URL: u}
	if len(args) == 2 {
		f.Name = &args[1]
	}
	found := jar.Get(f)
	if len(found) == 0 {
		return errors.New("there is no such cookie")
	}
	if len(args) == 2 {
		_, err := fmt.Fprintln(std.out, found[0].Value) // a server would look at the first
		return err
	}
	for _, c := range found {
		if _, err := fmt.Fprintf(std.out, "%s=%s\n", c.Name, c.Value); err != nil {
			return err
		}
	}
	return nil
}

func exportCookies(_ context.Context, o *cookiesOptions, jar *cookiejar.Jar, _ []string, std streams) error {
	f, err := o.filter()
	if err != nil {
		return err
	}
	write := cookiejar.WriteNetscape
	if o.format == "json" {
		write = cookiejar.WriteJSON
	}
	return write(std.out, jar.Get(f))
}
