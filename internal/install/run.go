package install

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Runner does the steps of a conversion.
type Runner struct {
	Machine  Machine
	Root     string // where its root is mounted; empty for /
	Programs Programs
	Tell     func(Step, error)
}

// Run does the steps in order and stops at the first that fails. Run it again to go on.
func (r Runner) Run(ctx context.Context, steps []Step) error {
	tree, err := sys.OpenTree(cmp.Or(r.Root, "/"))
	if err != nil {
		return err
	}
	defer tree.Close()
	// What the top level lies in is made before it can be mounted.
	for len(steps) > 0 && (steps[0].Kind == Dataset || steps[0].Kind == Alone) {
		err := r.tell(steps[0], makeDataset(steps[0]))
		if err != nil {
			return err
		}
		steps = steps[1:]
	}
	return WithTop(r.Machine.Device, r.Machine.FSType, func(top string) error {
		for _, s := range steps {
			if err := r.tell(s, r.step(ctx, tree, top, s)); err != nil {
				return err
			}
		}
		return nil
	})
}

// tell says how a step came out.
func (r Runner) tell(s Step, err error) error {
	if r.Tell != nil {
		r.Tell(s, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.Text, err)
	}
	return nil
}

func (r Runner) step(ctx context.Context, tree *sys.Tree, top string, s Step) error {
	m := r.Machine
	switch s.Kind {
	case Store:
		return r.makeStore(tree, top, s)
	case Fstab:
		return r.addFstab(tree, top, s)
	case Mount:
		return r.mountStore(tree, top, s)
	case Declaration:
		if err := tree.MkdirAll(path.Dir(s.Path), public); err != nil {
			return err
		}
		return tree.WriteFile(s.Path, []byte(s.Data), sys.Perm{Mode: 0o644})
	case Hook:
		return r.installHooks(tree, top)
	case Initrd:
		return rebuild(ctx, m.Generator, s)
	case Inspect:
		return inspect(ctx, m.Generator, s.Path)
	case Ledger:
		return r.makeLedger(top)
	case Base:
		return r.makeBase(tree, top)
	}
	return fmt.Errorf("internal error: unknown step %q", s.Kind)
}

func public(string) sys.Perm  { return sys.Perm{Mode: 0o755} }
func private(string) sys.Perm { return sys.Perm{Mode: 0o700} }

func (r Runner) mountStore(tree *sys.Tree, top string, s Step) error {
	switch r.Machine.Backend {
	case decl.Btrfs:
		return tree.Mount(r.Machine.Device, s.Path, "btrfs", []string{"noatime"}, "subvol="+s.Arg)
	case decl.ZFS:
		if err := tree.Mount(root.Dataset(r.Machine.Device, s.Arg), s.Path, "zfs", nil, ""); err != nil {
			return err
		}
		return tree.MkdirAll(path.Join(s.Path, decl.StateDir), private)
	}
	t, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	defer t.Close()
	return sys.Bind(t, s.Arg, tree, s.Path, nil)
}

// makeStore makes the store's subvolume and mount point. A subvolume of that name that holds something is used as it is.
func (r Runner) makeStore(tree *sys.Tree, top string, s Step) error {
	if r.Machine.Backend == decl.ZFS {
		if err := root.CreateStore(r.Machine.Device, s.Arg); err != nil {
			return err
		}
		return mountPoint(tree, s.Path)
	}
	t, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	defer t.Close()
	there, err := t.Exists(s.Arg)
	switch {
	case err != nil:
	case r.Machine.Backend != decl.Btrfs:
		if err = t.MkdirAll(path.Dir(s.Arg), private); err == nil {
			err = t.MkdirAll(s.Arg, public)
		}
	case !there:
		err = t.CreateSubvolume(s.Arg)
	default:
		_, err = t.Subvolume(s.Arg)
	}
	if err == nil {
		err = t.MkdirAll(path.Join(s.Arg, decl.StateDir), private)
	}
	if err != nil {
		return err
	}
	return mountPoint(tree, s.Path)
}

// mountPoint makes an empty directory to mount at.
func mountPoint(tree *sys.Tree, p string) error {
	if there, err := tree.Exists(p); err != nil || !there {
		return errors.Join(err, tree.MkdirAll(p, public))
	}
	empty, err := tree.Empty(p)
	if err == nil && !empty {
		err = fmt.Errorf("%s holds data that the mount would hide: move it away, or name another place with --store", p)
	}
	return err
}

func (r Runner) addFstab(tree *sys.Tree, top string, s Step) error {
	t, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	defer t.Close()
	if r.Machine.Backend == decl.Btrfs {
		uuid, err := t.FilesystemUUID()
		if err != nil {
			return err
		}
		s.Data = fmt.Sprintf(s.Data, uuid)
	}
	old, err := tree.ReadFile(s.Path)
	if err != nil {
		return err
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		old = append(old, '\n')
	}
	st, err := tree.Stat(s.Path)
	if err != nil {
		return err
	}
	line := "# the store of anicca: what lies there is kept\n" + s.Data + "\n"
	return tree.WriteFile(s.Path, append(old, line...), sys.Perm{UID: int(st.Uid), GID: int(st.Gid), Mode: st.Perm()})
}

func (r Runner) installHooks(tree *sys.Tree, top string) error {
	t, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	r.Machine.UUID, err = t.FilesystemUUID()
	t.Close()
	if err != nil {
		return err
	}
	hooks, err := Hooks(r.Machine, r.Programs)
	if err != nil {
		return err
	}
	for _, f := range hooks {
		if err := install(tree, f); err != nil {
			return err
		}
	}
	return tree.Sync()
}

func install(tree *sys.Tree, f Installed) error {
	if err := tree.MkdirAll(path.Dir(f.Path), public); err != nil {
		return err
	}
	switch {
	case f.Link != "":
		return tree.Symlink(f.Link, f.Path)
	case f.From == f.Path:
		return nil
	case f.From != "":
		data, err := os.ReadFile(f.From)
		if err != nil {
			return err
		}
		f.Data = string(data)
	}
	return tree.WriteFile(f.Path, []byte(f.Data), sys.Perm{Mode: f.Mode})
}

func (r Runner) makeLedger(top string) error {
	m := r.Machine
	d, err := root.Create(top, root.Ledger{Backend: m.Backend, Root: m.Subvol, Store: m.StoreSub, StorePath: m.Store}, time.Now())
	if err != nil {
		return err
	}
	return d.Close()
}

// makeBase makes base 1 if there is no base yet.
func (r Runner) makeBase(tree *sys.Tree, top string) error {
	m := r.Machine
	if m.Backend == decl.Overlay || m.Backend == decl.Tmpfs {
		d, err := root.CreateOverlay(top, ".", root.Ledger{Store: m.StoreSub, StorePath: m.Store}, time.Now())
		if err != nil {
			return err
		}
		return d.Close()
	}
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	if len(d.Ledger().Bases) > 0 {
		return nil
	}
	if err := tree.Sync(); err != nil {
		return err
	}
	var parts []root.Part
	for _, v := range m.Volumes {
		if at, ok := m.Mounts.At(v); ok {
			parts = append(parts, root.Part{Path: v, Volume: strings.Trim(at.Root, "/")})
		}
	}
	_, err = d.MakeBase(parts, time.Now())
	return err
}

// WithTop mounts the top level of a filesystem at a private place while f runs.
func WithTop(device, fstype string, f func(top string) error) error {
	top, done, err := root.MountTop(device, fstype)
	if err != nil {
		return err
	}
	return errors.Join(f(top), done())
}
