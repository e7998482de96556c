package main

import (
	"github.com/spf13/cobra"

	"anicca/internal/config"
	"anicca/internal/ui"
)

func presetsCommand() *cobra.Command {
	var o struct{ verbose, json bool }
	c := &cobra.Command{
		Use:   "presets [NAME...]",
		Short: "List the presets: what programs keep, by name",
		Long: `List the presets: named lists of what one program keeps, for the declaration.

What a preset keeps in the system is used by a store, what it keeps in homes by a user:

    persist: "/persist": {
        use: bluetooth: {}
        users: bird: use: {firefox: {}, documents: {}}
    }

With names, or with -v, every path is listed: its kind, when it is there (phase), what it is
worth (tier), its mode and who wants it, and what to beware of. 'anicca suggest' proposes those
that fit this machine.

Exit codes: 0 ok, 2 there is no preset of that name.`,
		Args: cobra.ArbitraryArgs,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return config.PresetNames(), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			list, err := config.FindPresets(args)
			switch {
			case err != nil:
				return exitError{exitUsage, err.Error()}
			case o.json:
				return ui.JSON(c.OutOrStdout(), list)
			case o.verbose || len(args) > 0:
				ui.PresetPaths(c.OutOrStdout(), list)
			default:
				ui.Presets(c.OutOrStdout(), list)
			}
			return nil
		},
	}
	c.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "list every path")
	c.Flags().BoolVar(&o.json, "json", false, "print the presets as JSON")
	return c
}
