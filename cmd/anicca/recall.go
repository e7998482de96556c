package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/apply"
	"anicca/internal/install"
	"anicca/internal/recall"
	"anicca/internal/root"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// places is what --from and --to take, for the help of verbs.
const places = `A place is 'root' (the running root), 'base' (the newest) or 'base:N', 'store' (the kept copies), 'last' (the
newest old root), or an old root by its id, by a beginning of the id, or by the number in front.`

// recall lets f look back. With lock, nobody else changes bases and old roots meanwhile.
func (g globals) recall(c *cobra.Command, lock bool, f func(*recall.Machine) error) error {
	return g.recallIn(c.Context(), lock, f)
}

func (g globals) recallIn(ctx context.Context, lock bool, f func(*recall.Machine) error) error {
	if g.root == "/" && os.Getuid() != 0 {
		return exitError{exitFault, "the bases and old roots are root's alone: run it with sudo"}
	}
	top, done, err := g.top(lock)
	if err != nil {
		return err
	}
	return errors.Join(g.recallAt(ctx, top, f), done())
}

func (g globals) recallAt(ctx context.Context, top string, f func(*recall.Machine) error) error {
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	tree, err := sys.OpenTree(g.root)
	if err != nil {
		return err
	}
	defer tree.Close()
	m := &recall.Machine{Disk: d, Root: tree, Stop: stopping(ctx)}
	// Where the store is not there, nothing is known to be kept, and what is asked can be answered all the same.
	if store, err := tree.Sub(d.Ledger().StorePath); err == nil {
		defer store.Close()
		if m.Boot, err = apply.Current(store); err != nil {
			return err
		}
	}
	return f(m)
}

// top makes the top level of the disk that the root is made on readable.
func (g globals) top(lock bool) (dir string, done func() error, err error) {
	open := root.LookTop
	if lock {
		open = root.MountTop
	}
	if g.root == "/" {
		device, fstype, err := install.RootDevice(os.DirFS("/"))
		if err != nil {
			return "", nil, err
		}
		return open(device, fstype)
	}
	x, err := sys.MountAt(g.root)
	if err != nil {
		return "", nil, err
	}
	switch {
	case x.Mountpoint != g.root:
	case x.FSType == "btrfs":
		return open(x.Source, x.FSType)
	case x.FSType == "overlay":
		for o := range strings.SplitSeq(x.VFSOptions, ",") {
			if p, ok := strings.CutPrefix(o, "upperdir="); ok && strings.HasSuffix(p, "/anicca/upper") {
				return path.Dir(path.Dir(p)), func() error { return nil }, nil
			}
		}
	}
	return "", nil, fmt.Errorf("what is mounted at %s is not a root that anicca made", g.root)
}

// inMachine turns arguments into absolute paths of the machine. An empty one is refused: it is a variable that was never set,
// rather than the directory one is in.
func inMachine(args []string) ([]string, error) {
	var out []string
	for _, a := range args {
		if a == "" {
			return nil, exitError{exitUsage, "an empty path names nothing"}
		}
		p, err := filepath.Abs(a)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// with opens a place to look while f looks into it.
func with(m *recall.Machine, name string, f func(*recall.View) error) error {
	v, err := m.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f(v), v.Close())
}

// job is what is brought back from one place.
type job struct {
	from    *recall.View
	actions []recall.Action
}

// carryOut shows what shall be done where something is put aside, and asks; does it, and tells.
func carryOut(w io.Writer, m *recall.Machine, jobs []job, dry, yes bool, question string) error {
	asks := false
	for _, j := range jobs {
		asks = asks || slices.ContainsFunc(j.actions, func(a recall.Action) bool { return a.What != recall.Bring })
	}
	if dry || asks {
		for _, j := range jobs {
			ui.Actions(w, j.from.Name, j.actions)
		}
	}
	if dry {
		return nil
	}
	if asks && !yes {
		ok, err := ui.Confirm(question)
		if err != nil {
			return nobody(err)
		}
		if !ok {
			return exitError{exitFault, "nothing was done"}
		}
	}
	for _, j := range jobs {
		if err := do(w, m, j); err != nil {
			return err
		}
	}
	return nil
}

// nobody gives the lack of a terminal the exit code of what would lose data.
func nobody(err error) error {
	if errors.Is(err, ui.ErrNoTerminal) {
		return exitError{exitLoss, "nothing was done: " + err.Error()}
	}
	return err
}

// do does what was shown.
func do(w io.Writer, m *recall.Machine, j job) error {
	for i := range j.actions {
		a := &j.actions[i]
		if err := m.Do(j.from, a, time.Now()); err != nil {
			return err
		}
		ui.Acted(w, j.from.ID, *a)
	}
	return nil
}
