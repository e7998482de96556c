package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"anicca/internal/sandbox"
	"anicca/internal/sys"
	"anicca/internal/trial"
	"anicca/internal/ui"
)

// allowNamespaces says how.
const allowNamespaces = "Allow them with 'sudo sysctl kernel.unprivileged_userns_clone=1' (Debian) or\n" +
	"'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0' (Ubuntu)"

func tryCommand(g *globals) *cobra.Command {
	var asJSON bool
	var inside string
	var o tries
	c := &cobra.Command{
		Use:   "try [flags] [-- COMMAND ARG...]",
		Short: "Watch a little machine forget, or see what a command would change",
		Long: `    anicca try                           watch a little machine forget
    sudo anicca try -- apt install foo   see what that would change
    anicca try -- make install-config    the same in what is yours

Without a command: make a little machine in a namespace of its own, let programs write declared and undeclared
files in it, restart it three times, show what was lost and what was kept, and bring one
lost file back from the archive. This machine is not touched.

With a command: run it in a throw-away copy of the running root, and print to standard error what it
would have changed: a review of one program. Its input, output, directory, terminal and exit code are
as without; a shell is a command too (anicca try -- bash). What it has left running ends with it.

As root the copy is all of /, with everything that is mounted in it. An ordinary user can write only
in copies of their home, /tmp, /var/tmp, the directory they are in, and each --tree, and reads the rest;
what belongs to others, also in there, stays as it is. The report says which.

NOT thrown away: what goes over the network or to a program that runs already, by a socket other than
those in /run, or by --real PATH. Sockets in the copy lead nowhere, so systemd cannot be asked to do anything.
Devices but null, zero, full, random, urandom and terminals are not there; root cannot mount anything in it,
load modules, or set clock and network. It keeps accidents from the machine, not malice.

Exit codes: that of the command; 125 the copy could not be made, 126 the command could not be started,
127 it does not exist. Without a command: 0 or 1.`,
		Args:                  usageOfTry,
		DisableFlagsInUseLine: true,
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case o.part != "":
				return exitError{code: trial.Part(o.part, o.spec, args)}
			case len(args) > 0:
				o.asJSON = asJSON
				return g.try(&o, args)
			}
			if err := o.alone(c); err != nil {
				return err
			}
			if inside != "" {
				res, err := sandbox.Run(inside)
				if err != nil {
					return err
				}
				if asJSON {
					return ui.JSON(c.OutOrStdout(), res)
				}
				ui.Try(c.OutOrStdout(), res.Declaration, fates(res), res.Restored)
				return nil
			}
			dir, err := os.MkdirTemp("", "anicca-try-")
			if err != nil {
				return err
			}
			defer os.Remove(dir)
			args = []string{"try", "--inside", dir}
			if asJSON {
				args = append(args, "--json")
			}
			err = sys.InNamespace(c.Context(), args...)
			if errors.Is(err, sys.ErrNoNamespace) {
				return fmt.Errorf("%w.\n%s, or run 'sudo anicca try':\n"+
					"it touches nothing of this machine either way", err, allowNamespaces)
			}
			if code, ok := sys.ExitCode(err); ok {
				return exitError{code: code} // it has said why
			}
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	c.Flags().StringVar(&inside, "inside", "", "directory of the little machine")
	_ = c.Flags().MarkHidden("inside")
	o.flags(c)
	return c
}

func fates(res *sandbox.Result) [][2][]string {
	var out [][2][]string
	for _, b := range res.Boots {
		out = append(out, [2][]string{b.Kept, b.Lost})
	}
	return out
}
