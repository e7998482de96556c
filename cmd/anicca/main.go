// Command anicca makes a machine forget, at every boot, whatever nobody declared.
package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/ui"
)

// Exit codes, as every verb's help names them.
const (
	exitFault   = 1
	exitUsage   = 2
	exitInvalid = 3 // the declaration is invalid
	exitChanges = 4 // there are changes (--check)
	exitLoss    = 5 // going on would lose data
)

// defaultConfig is where a machine's declaration lies. It is kept always.
const defaultConfig = "/etc/anicca"

// exitError carries an exit code; its message, if any, has been printed already.
type exitError struct {
	code int
	msg  string
}

func (e exitError) Error() string { return e.msg }

func main() { os.Exit(Main()) }

// Main runs the command line and returns the exit code.
func Main() int {
	ctx := context.Background()
	if !signal.Ignored(os.Interrupt) { // as it is where a script has started us with &
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		context.AfterFunc(ctx, stop) // the first Ctrl-C ends what can end well, and the second the program
	}
	cmd := command()
	out := ui.NewOutput(os.Stdout)
	cmd.SetOut(out)
	err := cmd.ExecuteContext(ctx)
	if out.Err() != nil {
		err = out.Err()
	}
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[exitError](err); ok {
		if exit.msg != "" {
			fmt.Fprintln(os.Stderr, "anicca:", ui.Lines(exit.msg))
		}
		return exit.code
	}
	if problems, ok := errors.AsType[decl.Problems](err); ok {
		fmt.Fprintln(os.Stderr, ui.Lines(problems.Error()))
		return exitInvalid
	}
	fmt.Fprintln(os.Stderr, "anicca:", ui.Lines(err.Error()))
	if errors.Is(err, apply.ErrWouldLose) {
		return exitLoss
	}
	return exitFault
}

// stopping returns what long work asks whether to go on.
func stopping(ctx context.Context) func() error {
	return func() error {
		if ctx.Err() != nil {
			return errStopped{}
		}
		return nil
	}
}

// errStopped is said after Ctrl-C, where something may have been done before.
type errStopped struct{}

func (errStopped) Error() string        { return "stopped: what is not told above was not done" }
func (errStopped) Is(target error) bool { return target == context.Canceled }

// collectLate lets memory be collected only when there is much of it, and seldom after that: evaluating makes much that is thrown
// away at once, and no verb but service runs for long.
func collectLate() {
	const much = 96 << 20
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(much)
	first := new([16]byte)
	runtime.SetFinalizer(first, func(*[16]byte) { // the first time that it is
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(math.MaxInt64)
	})
}

// globals are the flags of every verb.
type globals struct {
	config string
	host   string
	root   string
}

func command() *cobra.Command {
	var g globals
	root := &cobra.Command{
		Use:   "anicca",
		Short: "Make a machine forget, at every boot, whatever nobody declared",
		Long: `anicca makes a Linux machine forget, at every boot, whatever nobody declared.

Everything that is not declared is gone at the next boot; everything that is declared
is always there; nothing is lost by surprise.

To see it, without root and without changing anything: anicca try
To set up this machine:                                anicca init

Exit codes: 0 ok, 1 fault, 2 usage, 3 the declaration is invalid, 4 there are changes
(--check), 5 going on would lose data.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if os.Getenv("GOGC") == "" && c.Name() != "service" {
				collectLate()
			}
			if g.root == "" || g.config == "" {
				return exitError{exitUsage, "--root and --config take a directory: an empty path names nothing"}
			}
			abs, err := filepath.Abs(g.root)
			if err == nil {
				g.root, err = filepath.EvalSymlinks(abs)
			}
			if err == nil {
				err = running(c, g.root)
			}
			return err
		},
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			msg := fmt.Sprintf("there is no verb %q; see anicca --help", args[0])
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				msg = fmt.Sprintf("there is no verb %q; did you mean %s?", args[0], strings.Join(near, " or "))
			}
			return exitError{exitUsage, msg}
		},
		SuggestionsMinimumDistance: 2,
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return exitError{exitUsage, fmt.Sprintf("%v\n%s", err, c.UseLine())}
	})
	f := root.PersistentFlags()
	f.StringVar(&g.config, "config", defaultConfig, "directory of the declaration")
	f.StringVar(&g.host, "host", "", "name of the machine in hosts/ (default: the hostname)")
	f.StringVar(&g.root, "root", "/", "directory that is the root of the machine")
	root.CompletionOptions.HiddenDefaultCmd = true
	for _, sub := range []*cobra.Command{
		tryCommand(&g), initCommand(), checkCommand(&g), showCommand(&g), schemaCommand(), planCommand(&g), applyCommand(&g),
		keepCommand(&g), forgetCommand(&g), orphansCommand(&g), explainCommand(&g),
		statusCommand(&g), baseCommand(&g), archiveCommand(&g), nextCommand(), restoreCommand(&g),
		reviewCommand(&g), diffCommand(&g), logCommand(&g), undoCommand(&g),
		presetsCommand(), suggestCommand(&g), serviceCommand(&g),
	} {
		usage(sub)
		root.AddCommand(sub)
	}
	fit(root)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages ", fmt.Sprintf(".FlagUsagesWrapped %d ", helpWidth)))
	return root
}

// running refuses --root where a verb is about the machine that runs, whatever is said: it would change the wrong one.
func running(c *cobra.Command, root string) error {
	if root == "/" {
		return nil
	}
	switch p := strings.TrimPrefix(c.CommandPath(), "anicca "); p {
	case "try", "init", "base", "base new", "next", "next keep", "next reset", "next root", "next clear",
		"archive", "archive list", "archive pin", "archive unpin", "archive drop", "archive expire":
		return exitError{exitUsage, "'anicca " + p + "' is about the machine that runs: leave --root out"}
	}
	return nil
}

// wrong says what is wrong with the arguments of a verb.
func wrong(c *cobra.Command, a []string, err error) string {
	_, takes, _ := strings.Cut(c.Use, " ")
	takes, _, _ = strings.Cut(strings.TrimSuffix(takes, "..."), " ")
	switch {
	case !strings.HasPrefix(err.Error(), "accepts ") && !strings.HasPrefix(err.Error(), "requires ") && !strings.HasPrefix(err.Error(), "unknown command "):
		return err.Error()
	case len(a) == 0:
		return takes + " is missing"
	case c.HasAvailableSubCommands():
		msg := fmt.Sprintf("there is no verb %q of '%s'", a[0], c.CommandPath())
		if near := c.SuggestionsFor(a[0]); len(near) > 0 {
			msg += "; did you mean " + strings.Join(near, " or ") + "?"
		}
		return msg
	case takes == "":
		return fmt.Sprintf("%q is too much: '%s' takes options alone", a[0], c.CommandPath())
	}
	return fmt.Sprintf("%q is too much", a[len(a)-1])
}

// usage gives a verb, and those below it, the exit code for wrong arguments.
func usage(c *cobra.Command) {
	c.SuggestionsMinimumDistance = 2
	args := c.Args
	if args == nil {
		args = cobra.NoArgs
	}
	c.Args = func(c *cobra.Command, a []string) error {
		if err := args(c, a); err != nil {
			return exitError{exitUsage, wrong(c, a, err) + "\n" + c.UseLine()}
		}
		return nil
	}
	for _, sub := range c.Commands() {
		usage(sub)
	}
}
