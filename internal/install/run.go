package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"anicca/internal/root"
	"anicca/internal/sys"
)

// Runner does the steps of a conversion.
type Runner struct {
	Machine Machine
	Program string // path of the initrd program on the machine
	Out     io.Writer
	Tell    func(Step, error)
}

// Run does the steps in order and stops at the first that fails. Run it again to go on.
func (r Runner) Run(ctx context.Context, steps []Step) error {
	tree, err := sys.OpenTree("/")
	if err != nil {
		return err
	}
	defer tree.Close()
	return WithTop(r.Machine.Device, func(top string) error {
		for _, s := range steps {
			err := r.step(ctx, tree, top, s)
			if r.Tell != nil {
				r.Tell(s, err)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.Text, err)
			}
		}
		return nil
	})
}

func (r Runner) step(ctx context.Context, tree *sys.Tree, top string, s Step) error {
	m := r.Machine
	switch s.Kind {
	case Subvolume:
		return makeStore(tree, top, s)
	case Fstab:
		return addFstab(tree, top, s)
	case Mount:
		return tree.Mount(m.Device, s.Path, "btrfs", []string{"noatime"}, "subvol="+s.Arg)
	case Declaration:
		if err := tree.MkdirAll(path.Dir(s.Path), public); err != nil {
			return err
		}
		return tree.WriteFile(s.Path, []byte(s.Data), sys.Perm{Mode: 0o644})
	case Hook:
		return installHooks(tree, Generator(s.Arg), r.Program)
	case Initrd:
		return rebuild(ctx, m.Generator, s)
	case Ledger:
		b, err := root.CreateBtrfs(top, root.Ledger{Root: m.Subvol, Store: m.StoreSub, StorePath: m.Store}, time.Now())
		if err != nil {
			return err
		}
		return b.Close()
	case Base:
		return makeBase(tree, top)
	}
	return fmt.Errorf("internal error: unknown step %q", s.Kind)
}

func public(string) sys.Perm { return sys.Perm{Mode: 0o755} }

// makeStore makes the store's subvolume and mount point. A subvolume of that name that holds something is used as it is.
func makeStore(tree *sys.Tree, top string, s Step) error {
	t, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	defer t.Close()
	there, err := t.Exists(s.Arg)
	if err != nil {
		return err
	}
	if !there {
		if err := t.CreateSubvolume(s.Arg); err != nil {
			return err
		}
	} else if _, err := t.Subvolume(s.Arg); err != nil {
		return err
	}
	if there, err := tree.Exists(s.Path); err != nil || !there {
		return errors.Join(err, tree.MkdirAll(s.Path, public))
	}
	empty, err := tree.Empty(s.Path)
	if err == nil && !empty {
		err = fmt.Errorf("%s holds data that the mount would hide: move it away, or name another place with --store", s.Path)
	}
	return err
}

func addFstab(tree *sys.Tree, top string, s Step) error {
	t, err := sys.OpenTree(top)
	if err != nil {
		return err
	}
	defer t.Close()
	uuid, err := t.FilesystemUUID()
	if err != nil {
		return err
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
	line := "# the store of anicca: what lies there is kept\n" + fmt.Sprintf(s.Data, uuid) + "\n"
	return tree.WriteFile(s.Path, append(old, line...), sys.Perm{UID: int(st.Uid), GID: int(st.Gid), Mode: st.Perm()})
}

func installHooks(tree *sys.Tree, g Generator, program string) error {
	hooks, err := Hooks(g, program)
	if err != nil {
		return err
	}
	for _, f := range hooks {
		if err := tree.MkdirAll(path.Dir(f.Path), public); err != nil {
			return err
		}
		if f.Link != "" {
			if err := tree.Symlink(f.Link, f.Path); err != nil {
				return err
			}
			continue
		}
		if err := tree.WriteFile(f.Path, []byte(f.Data), sys.Perm{Mode: f.Mode}); err != nil {
			return err
		}
	}
	return tree.Sync()
}

// rebuild makes one image and looks into it: generators go on when a hook fails.
func rebuild(ctx context.Context, g Generator, s Step) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	var list string
	switch g {
	case InitramfsTools:
		if _, err := sys.Run(ctx, "update-initramfs", "-u", "-k", s.Arg); err != nil {
			return err
		}
		list = "lsinitramfs"
	case Dracut:
		if _, err := sys.Run(ctx, "dracut", "--force", s.Path, s.Arg); err != nil {
			return err
		}
		list = "lsinitrd"
	}
	out, err := sys.Run(ctx, list, s.Path)
	if err != nil {
		return err
	}
	if !strings.Contains(out, "bin/anicca-init") {
		return fmt.Errorf("%s was rebuilt, but anicca-init is not in it: run the generator by hand and read what it says", s.Path)
	}
	return nil
}

// makeBase makes base 1 if there is no base yet.
func makeBase(tree *sys.Tree, top string) error {
	b, err := root.OpenBtrfs(top)
	if err != nil {
		return err
	}
	defer b.Close()
	if len(b.Ledger().Bases) > 0 {
		return nil
	}
	if err := tree.Sync(); err != nil {
		return err
	}
	_, err = b.MakeBase(time.Now())
	return err
}

// WithTop mounts the top level of a btrfs device at a private place while f runs.
func WithTop(device string, f func(top string) error) error {
	top, done, err := root.MountTop(device)
	if err != nil {
		return err
	}
	return errors.Join(f(top), done())
}
