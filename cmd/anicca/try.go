package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"anicca/internal/sandbox"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func tryCommand() *cobra.Command {
	var asJSON bool
	var inside string
	c := &cobra.Command{
		Use:   "try",
		Short: "Watch a little machine forget, in a sandbox, without root",
		Long: `Make a little machine in a namespace of its own, let programs write declared and undeclared
files in it, restart it three times, show what was lost and what was kept, and bring one
lost file back from the archive. This machine is not touched.`,
		RunE: func(c *cobra.Command, _ []string) error {
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
			args := []string{"try", "--inside", dir}
			if asJSON {
				args = append(args, "--json")
			}
			err = sys.InNamespace(c.Context(), args...)
			if errors.Is(err, sys.ErrNoNamespace) {
				return fmt.Errorf("%w.\nAllow them with 'sudo sysctl kernel.unprivileged_userns_clone=1' (Debian) or\n"+
					"'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0' (Ubuntu), or run 'sudo anicca try':\n"+
					"it touches nothing of this machine either way", err)
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
	return c
}

func fates(res *sandbox.Result) [][2][]string {
	var out [][2][]string
	for _, b := range res.Boots {
		out = append(out, [2][]string{b.Kept, b.Lost})
	}
	return out
}
