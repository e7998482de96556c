package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"anicca/internal/boot"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/live"
	"anicca/internal/plan"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// options say which declaration is the machine's.
func (g globals) options() (config.Options, error) {
	accounts, err := g.accounts()
	if err != nil {
		return config.Options{}, err
	}
	name := g.host
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return config.Options{}, err
		}
	}
	o := config.Options{Dir: g.config, Host: name, Accounts: accounts}
	if g.config == defaultConfig {
		o.Keep = defaultConfig
	}
	return o, nil
}

// load evaluates the declaration of the machine.
func (g globals) load() (*decl.Host, error) {
	o, err := g.options()
	if err != nil {
		return nil, err
	}
	return config.Load(o)
}

// runningRoot is the identity of the running root; empty where it is not known.
func (g globals) runningRoot() string {
	if g.root != "/" || os.Getuid() != 0 {
		return ""
	}
	if r, err := boot.ReadRecord(boot.RecordPath); err == nil && r != nil {
		if r.OnBase {
			return ""
		}
		if id := r.CarryID(); id != "" {
			return id
		}
	}
	id := ""
	g.look(func(d *root.Disk, _ *sys.Tree) { id, _ = d.Current() })() // before 'anicca init' there is none
	return id
}

// facts reads what the machine is, as far as the host needs it.
func (g globals) facts(host *decl.Host) (*facts.Facts, error) {
	tree, err := sys.OpenTree(g.root)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	near := tree.Near()
	defer near.Close()
	src := facts.Source{FS: os.DirFS(g.root), Objects: near.FS(), Prefix: g.root, Root: g.runningRoot()}
	table, err := sys.MountTable()
	if err != nil {
		return nil, err
	}
	defer table.Close()
	if src.Mounts, err = facts.ReadMounts(table, g.root); err != nil { // once, for all that follows
		return nil, err
	}
	if host.Root.Reset == decl.ResetOn {
		defer g.lookAt(src.Mounts, func(_ *root.Disk, base *sys.Tree) {
			if base != nil {
				src.Base = base.FS()
			}
		})()
	}
	return facts.Read(src, host)
}

// plan compares the declaration with the machine.
func (g globals) plan() (*decl.Host, *plan.Plan, error) {
	host, err := g.load()
	if err != nil {
		return nil, nil, err
	}
	f, err := g.facts(host)
	if err != nil {
		return nil, nil, err
	}
	return host, plan.Make(host, f), nil
}

// machine opens the running machine for a change.
func (g globals) machine() (m live.Machine, done func(), err error) {
	if m.Declaration, err = g.options(); err != nil {
		return m, nil, err
	}
	m.Facts = g.facts
	if m.Root, err = sys.OpenTree(g.root); err != nil {
		return m, nil, err
	}
	return m, func() { m.Root.Close() }, nil
}

func checkCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Validate the declaration",
		Long: `Validate the declaration and print every mistake in it, with its place and a hint.

Exit codes: 0 it is valid, 3 it is not.`,
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.load()
			if err != nil {
				return err
			}
			n := 0
			for _, s := range host.Stores {
				n += len(s.Entries)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: valid: %s in %s, reset is %q\n", g.config, ui.Many(n, "entry"), ui.Many(len(host.Stores), "store"), host.Root.Reset)
			ui.Notes(c.OutOrStdout(), host.Notes)
			return nil
		},
	}
}

func showCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Print the evaluated declaration as JSON",
		RunE: func(c *cobra.Command, _ []string) error {
			host, err := g.load()
			if err != nil {
				return err
			}
			return ui.JSON(c.OutOrStdout(), host)
		},
	}
}

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the schema of a declaration, which is also its manual",
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprint(c.OutOrStdout(), config.Schema())
			return err
		},
	}
}
