package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"anicca/internal/install"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

func initCommand() *cobra.Command {
	var o struct {
		yes, dry bool
		store    string
		backend  string
	}
	c := &cobra.Command{
		Use:   "init",
		Short: "Set this machine up to forget (it only observes, to begin with)",
		Long: `Look at this machine and set it up: make the store, write a starter declaration, install the
initrd hooks, rebuild the initrd, look into it, and make base 1 from the running root. It prints
what it will do and asks first.

Initrds by initramfs-tools, dracut and mkinitcpio (with busybox or systemd) are rebuilt. On NixOS
it writes a module for you to import. Where nothing builds an initrd that anicca can hook into,
it installs a program for you to name with init= on the kernel command line.

Nothing is reset until the declaration says reset: "on". Running it again goes on where an
interruption stopped it.

Exit codes: 0 done, 1 a step failed or this machine cannot be set up yet.`,
		RunE: func(c *cobra.Command, _ []string) error {
			w := c.OutOrStdout()
			if os.Getuid() != 0 {
				return exitError{exitFault, "setting up a machine needs root: sudo anicca init"}
			}
			host, err := os.Hostname()
			if err != nil {
				return err
			}
			src := install.Source{FS: os.DirFS("/"), Kernel: sys.Kernel(), Hostname: host, Store: o.store, Backend: o.backend}
			if err := install.ReadZFS(&src); err != nil {
				return err
			}
			m, err := install.Look(src)
			if err != nil {
				return err
			}
			if no := m.Refusals(); len(no) > 0 {
				for _, r := range no {
					fmt.Fprintf(os.Stderr, "anicca: %s\n\t%s\n", r.Msg, r.Hint)
				}
				return exitError{code: exitFault}
			}
			programs, err := findPrograms()
			if err != nil {
				return err
			}
			steps := install.Steps(m, install.Starter(m))
			fmt.Fprintf(w, "%s\nTo set it up, anicca will\n", m)
			for _, s := range steps {
				fmt.Fprintln(w, "  -", s.Text)
			}
			notes := m.Notes()
			if o.dry {
				paragraphs(w, notes)
				return nil
			}
			if !o.yes {
				ok, err := ui.Confirm("Go on?")
				if err != nil {
					return err
				}
				if !ok {
					return exitError{exitFault, "nothing was done"}
				}
			}
			run := install.Runner{Machine: m, Programs: programs, Tell: func(s install.Step, err error) {
				if err != nil {
					fmt.Fprintln(w, "FAILED", s.Text)
				} else {
					fmt.Fprintln(w, "done  ", s.Text)
				}
			}}
			if err := run.Run(c.Context(), steps); err != nil {
				return err
			}
			if err := withDisk(func(d *root.Disk) error { return leftOut(w, d) }); err != nil {
				return err
			}
			fmt.Fprint(w, `
Next:
  1. read and edit /etc/anicca/host.cue; 'anicca suggest' proposes what else to keep
  2. anicca apply       puts kept state in place; repeat after every edit
  3. reboot             still observing: 'anicca status' must be clean afterwards
  4. set reset: "on" in /etc/anicca/host.cue, 'anicca apply', reboot
`)
			paragraphs(w, notes)
			return nil
		},
	}
	c.Flags().BoolVarP(&o.yes, "yes", "y", false, "do not ask")
	c.Flags().BoolVar(&o.dry, "dry-run", false, "only print what it would do")
	c.Flags().StringVar(&o.backend, "backend", "", "how fresh roots are made: btrfs, overlay, tmpfs, zfs (default: what fits the root)")
	c.Flags().StringVar(&o.store, "store", "/persist", "where the store is mounted")
	return c
}

// paragraphs prints what the user has to do or to know on this machine.
func paragraphs(w io.Writer, list []string) {
	for _, p := range list {
		fmt.Fprintf(w, "\n%s\n", p)
	}
}

// findPrograms finds this program, and the initrd program beside it, or where packages put that.
func findPrograms() (install.Programs, error) {
	self, err := os.Executable()
	if err != nil {
		return install.Programs{}, err
	}
	for _, p := range []string{filepath.Join(filepath.Dir(self), "anicca-init"), "/usr/lib/anicca/anicca-init"} {
		if s, err := os.Stat(p); err == nil && s.Mode()&0o111 != 0 {
			return install.Programs{Init: p, Anicca: self}, nil
		}
	}
	return install.Programs{}, fmt.Errorf("the initrd program anicca-init is not beside %s: copy it there (go build ./cmd/anicca-init)", self)
}
