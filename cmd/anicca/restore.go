package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"anicca/internal/archive"
	"anicca/internal/root"
	"anicca/internal/sys"
)

func restoreCommand() *cobra.Command {
	var o struct{ from, to string }
	c := &cobra.Command{
		Use:   "restore PATH",
		Short: "Bring a file or directory back from an old root",
		Long: `Bring a file or directory back from the newest old root that has it, or from the one named
with --from, with owner, mode and all other metadata. It never overwrites.

Exit codes: 0 done, 1 no old root has it, 5 something lies there already.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			to := p
			if o.to != "" {
				if to, err = filepath.Abs(o.to); err != nil {
					return err
				}
			}
			return withDisk(func(b *root.Disk) error {
				id := o.from
				if id == "" {
					old, err := archive.Find(b, p)
					if err != nil {
						return err
					}
					id = old.ID
				}
				tree, err := sys.OpenTree("/")
				if err != nil {
					return err
				}
				defer tree.Close()
				if err := archive.Restore(b, id, p, tree, to); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "restored %s from %s\n", to, id)
				return nil
			})
		},
	}
	c.Flags().StringVar(&o.from, "from", "", "id of the old root (default: the newest that has it)")
	c.Flags().StringVar(&o.to, "to", "", "where to put it (default: where it was)")
	return c
}
