package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/kaon-net/kaon/cookiejar"
)

func setCookie(ctx context.Context, _ *cookiesOptions, jar *cookiejar.Jar, args []string, std streams) error {
	u, err := cookieURL(args[0])
	if err != nil {
		return err
	}
	lines := []string{args[1]}
	if args[1] == "-" {
		text, err := readStdin(ctx, std.in)
		if err != nil {
			return err
		}
		lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	for i, line := range lines {
		if err := jar.Receive(&cookiejar.Request{URL: u}, strings.TrimSuffix(line, "\r")); err != nil {
			if len(lines) > 1 {
				return fmt.Errorf("line %d: %w", i+1, err)
			}
			return err
		}
	}
	return nil
}

func removeCookies(_ context.Context, o *cookiesOptions, jar *cookiejar.Jar, args []string, std streams) error {
	n := 0
	switch filtered := o.isFiltered(); {
	case len(args) == 2 && !filtered && !o.all:
		u, err := cookieURL(args[0])
		if err != nil {
			return err
		}
		n = jar.Remove(u, args[1])
	case len(args) == 0 && filtered != o.all:
		f, err := o.filter()
		if err != nil {
			return err
		}
		n = jar.RemoveAll(f)
	default:
		return usageError{errors.New("rm takes a URL and a name, or filters, or --all")}
	}
	fmt.Fprintf(std.err, "%d removed\n", n)
	return nil
}

func importCookies(ctx context.Context, o *cookiesOptions, jar *cookiejar.Jar, args []string, std streams) (err error) {
	var text []byte
	if args[0] == "-" {
		text, err = readStdin(ctx, std.in)
	} else {
		text, err = os.ReadFile(args[0])
	}
	if err != nil {
		return err
	}
	read := cookiejar.ReadNetscape
	if o.format == "json" || o.format == "" && bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("[")) {
		read = cookiejar.ReadJSON
	}
	cookies, err := read(bytes.NewReader(text))
	if err != nil {
		return err
	}
	for _, c := range cookies {
		if err := jar.Put(c); err != nil { // cannot be: it was looked at before
			return err
		}
	}
	fmt.Fprintf(std.err, "%d read, %d cookies now\n", len(cookies), jar.Len())
	return nil
}
