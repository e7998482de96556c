package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/suggest"
	"anicca/internal/survey"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// declared is the host, or nil where there is no declaration yet.
func (g globals) declared() (*decl.Host, error) {
	if _, err := os.Stat(g.config); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return g.load()
}

func suggestCommand(g *globals) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "suggest",
		Short: "Propose what to keep, from what is installed, enabled and there",
		Long: `Propose presets and paths that fit this machine and are not declared yet, with reasons, and
print the lines for the declaration. Nothing is enabled.

It looks at installed packages (of dpkg and pacman; elsewhere at programs), at enabled units
and what they name as their state, at tmpfiles.d, at configuration that is not as its package
brought it, and at what lies in homes. What the declaration switches off is not proposed again.

Exit codes: 0 ok, 1 the machine could not be read, 3 the declaration is invalid.`,
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.declared()
			if err != nil {
				return err
			}
			accounts, err := g.accounts()
			if err != nil {
				return err
			}
			table, err := sys.MountTable()
			if err != nil {
				return err
			}
			defer table.Close()
			src := survey.Source{FS: os.DirFS(g.root), Prefix: g.root, Mountinfo: table, Accounts: accounts}
			m, err := survey.Read(src, config.Presets())
			if err != nil {
				return err
			}
			r := suggest.Make(m, config.Presets(), host)
			if asJSON {
				return ui.JSON(c.OutOrStdout(), r)
			}
			ui.Suggest(c.OutOrStdout(), r)
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the proposals as JSON")
	return c
}
