package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/kaon-net/kaon/net/profile"
)

const versionAbout = `Usage: kaon version

Prints what this program was built from, and whose wire image it has.
`

func runVersion(_ context.Context, args []string, std streams) error {
	if err := parseNone("version", versionAbout, args, std); err != nil {
		return err
	}
	version := "(devel)"
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		version = b.Main.Version // names the commit if it is no release
	}
	p := profile.Chromium156()
	_, err := fmt.Fprintf(std.out, "kaon %s, %s %s/%s, as %s %s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH, p.Name, p.Version)
	return err
}
