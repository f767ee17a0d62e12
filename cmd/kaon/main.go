// Kaon is the command line of the network stack: it fetches URLs as Chromium would
// and shows what happened on the way.
//
//	kaon fetch -v https://example.com/
//	kaon tls example.com
//	kaon demo
//
// The exit status is 0 if all went well, 1 if something failed, 2 if the command
// line was not understood, and 130 after an interrupt, as shells have it (128 and
// SIGINT). What was asked for goes to standard output, what is told besides it to
// standard error.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/spf13/pflag"

	"github.com/kaon-net/kaon/net/neterr"
)

// Exit statuses.
const (
	statusOK          = 0
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 130
)

// A command is one subcommand. Its run returns a usageError for what is wrong with
// args, and pflag.ErrHelp once it has printed its help.
type command struct {
	name, summary string
	run           func(ctx context.Context, args []string, std streams) error
}

// commands are in the order of the help text.
func commands() []command {
	return []command{
		{"fetch", "request URLs and print what comes back", runFetch},
		{"resolve", "look host names up and print their addresses", runResolve},
		{"cookies", "show and change the cookies of a profile", runCookies},
		{"tls", "show a server's handshake, certificates and the verdict on them", runTLS},
		{"cache", "look into a cache's directory", runCache},
		{"demo", "walk through what works, against a server inside this program", runDemo},
		{"version", "print the version", runVersion},
	}
}

// streams are where a command reads and writes, so that tests can look.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	// The first interrupt ends what is under way in good order; a second one, if
	// that takes too long, the program.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// run is the whole program; it returns the exit status.
func run(ctx context.Context, args []string, std streams) int {
	if len(args) == 0 {
		help(std.err)
		return statusUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "help", "-h", "--help":
		if len(args) == 0 {
			help(std.out)
			return statusOK
		}
		name, args = args[0], []string{"--help"}
	case "--version":
		name = "version"
	}
	for _, c := range commands() {
		if c.name == name {
			return report(ctx, std.err, name, c.run(ctx, args, std))
		}
	}
	fmt.Fprintf(std.err, "kaon: no command %q\n\n", name)
	help(std.err)
	return statusUsage
}

// report tells how the command called name ended and returns the exit status.
func report(ctx context.Context, w io.Writer, name string, err error) int {
	var usage usageError
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return statusOK
	case errors.As(err, &usage), errors.Is(err, neterr.InvalidArgument):
		complain(w, name, err)
		fmt.Fprintf(w, "See 'kaon %s --help'.\n", name)
		return statusUsage
	case ctx.Err() != nil:
		fmt.Fprintf(w, "kaon %s: interrupted\n", name)
		return statusInterrupted
	}
	complain(w, name, err)
	return statusFailed
}

func help(w io.Writer) {
	fmt.Fprint(w, "Kaon is a browser-grade network stack in pure Go.\n\nUsage: kaon COMMAND [options]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\n'kaon COMMAND --help' tells a command's options.\n")
}

// parse reads a command's options into flags. about is its help, above that of the
// options.
func parse(flags *pflag.FlagSet, about string, args []string, std streams) error {
	flags.Usage = func() {
		fmt.Fprint(std.out, about)
		if flags.HasFlags() {
			fmt.Fprintf(std.out, "\nOptions:\n%s", flags.FlagUsages())
		}
	}
	err := flags.Parse(args)
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return usageError{err}
}

// parseNone is parse for a command that has no options and takes no arguments.
func parseNone(name, about string, args []string, std streams) error {
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	if err := parse(flags, about, args, std); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError{fmt.Errorf("takes no arguments, not %q", flags.Arg(0))}
	}
	return nil
}
