package main

import (
	"github.com/spf13/cobra"

	"anicca/internal/boot"
	"anicca/internal/explain"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func explainCommand(g *globals) *cobra.Command {
	var asJSON bool
	var before string
	c := &cobra.Command{
		Use:   "explain PATH",
		Short: "Say whether a path is kept, and what the next boot does to it",
		Long: `Say of one path whether it is kept; by which entry, its own or one of a directory above it; where that
is declared; in which store its kept copy lies, and how it is put in place; since which generation;
by when it has to be there in a boot, and from when on it is; and what happens to it at the next boot:

  kept      it is put in place from its store
  stays     nothing happens to it: it lies in a store, on another
            filesystem, or no root is reset
  base      it is as the base has it, and comes back so
  returns   it becomes as the base has it; what is there is archived
  archived  the base does not have it: it goes into the archive
  gone      it is made anew at every boot
  missing   nothing lies there

With --before, say whether it is there before a unit of systemd starts: yes, if the unit comes after what puts it in
place; no, if nothing makes it wait for that; unknown, if systemd does not know the unit or cannot be asked.

Exit codes: 0 done, 1 a fault, 3 the declaration is invalid.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := inMachine(args)
			if err != nil {
				return err
			}
			host, err := g.load()
			if err != nil {
				return err
			}
			m, done, err := g.explained(explain.Machine{Host: host})
			if err != nil {
				return err
			}
			defer done()
			a, err := explain.Make(m, paths[0])
			if err != nil {
				return err
			}
			if before != "" {
				a.Ask(before, explain.Systemd)
			}
			if asJSON {
				return ui.JSON(c.OutOrStdout(), a)
			}
			ui.Explain(c.OutOrStdout(), a)
			return nil
		},
	}
	c.Flags().StringVar(&before, "before", "", "a `UNIT`, such as sshd.service: say whether the path is there before it starts")
	c.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	return c
}

// explained reads what there is to ask of a machine.
func (g globals) explained(m explain.Machine) (explain.Machine, func(), error) {
	var err error
	if m.Facts, err = g.facts(m.Host); err != nil {
		return m, nil, err
	}
	running, done, err := g.machine()
	if err != nil {
		return m, nil, err
	}
	m.Root = running.Root
	main, _ := m.Facts.MainStore(m.Host)
	if m.Boot, m.History, err = past(running, main.Path); err == nil {
		m.Record, err = boot.ReadRecord(m.Root.Path(boot.RecordPath))
	}
	if err != nil {
		done()
		return m, nil, err
	}
	letGo := g.look(func(d *root.Disk, base *sys.Tree) {
		if n := d.Ledger().Next; n != nil {
			m.Once = n.What
		}
		m.Base = base
	})
	return m, func() { letGo(); done() }, nil
}
