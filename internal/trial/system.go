package trial

import (
	"errors"
	"fmt"
	"path"
	"syscall"

	"anicca/internal/sys"
)

// devices are what every program may need. The others are the machine's, and writing to them would be for real.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

// system makes /dev and shows /sys read-only. /proc needs the processes of the command: see [Spec.enter].
func (c *copier) system() error {
	for _, d := range []string{"proc", "sys", "dev"} {
		if there, err := c.root.Exists(d); err != nil || !there {
			return errors.Join(err, fmt.Errorf("the root has no /%s", d))
		}
	}
	if c.Root {
		if err := c.readOnly(point{path: "/sys", kind: "sysfs"}, ""); err != nil {
			return err
		}
	}
	if err := c.root.Mount("anicca", "dev", "tmpfs", []string{"nosuid", "noexec", "nodev"}, "mode=0755,size=1m"); err != nil {
		return err
	}
	for _, d := range devices {
		if err := c.root.CreateFile("dev/"+d, sys.Mine(0o600)); err != nil {
			return err
		}
		if err := c.device("/dev/" + d); err != nil {
			return err
		}
	}
	for _, d := range []string{"dev/pts", "dev/shm"} {
		if err := c.root.Mkdir(d, sys.Mine(0o755)); err != nil {
			return err
		}
	}
	if err := c.terminals(); err != nil {
		return err
	}
	if err := c.root.Mount("anicca", "dev/shm", "tmpfs", []string{"nosuid", "nodev"}, "mode=1777"); err != nil {
		return err
	}
	for p, target := range map[string]string{
		"dev/fd":    "/proc/self/fd",
		"dev/stdin": "/proc/self/fd/0", "dev/stdout": "/proc/self/fd/1", "dev/stderr": "/proc/self/fd/2",
	} {
		if err := c.root.Symlink(target, p); err != nil {
			return err
		}
	}
	if c.Root { // packages ask for it before they start or stop a service
		if there, err := c.root.Exists("run/systemd/system"); err == nil && there {
			run, err := c.root.Sub("run/systemd") // mostly on a filesystem of its own, and no tree is removed across one
			if err != nil {
				return err
			}
			return errors.Join(run.RemoveTree("system"), run.Close())
		}
	}
	return nil
}

// terminals shows the real ones, so that the one of the command has its name. Where a user may not make others there, they get a
// directory of their own: the kernel has two devices for that, and the one that everybody may open cannot be shown elsewhere.
func (c *copier) terminals() error {
	const master = "/dev/pts/ptmx"
	if c.Root {
		return errors.Join(c.device("/dev/pts"), c.maker(), c.root.Symlink(path.Join(path.Base(makerDir), "ptmx"), "dev/ptmx"))
	}
	s, err := c.real.Stat(master)
	if err == nil && s.Perm()&0o006 == 0o006 {
		err = c.device("/dev/pts")
	} else {
		err = c.root.Mount("anicca", "dev/pts", "devpts", []string{"nosuid", "noexec"}, "newinstance,ptmxmode=0666,mode=0620")
	}
	return errors.Join(err, c.root.Symlink("pts/ptmx", "dev/ptmx"))
}

// device shows real devices: they can be written to, but mode and owner are the machine's.
func (c *copier) device(p string) error {
	g, err := c.real.Graft(p, true)
	if err != nil {
		return err
	}
	if err := g.ReadOnly(); err != nil {
		return errors.Join(err, g.Close())
	}
	return g.Attach(c.root, p)
}

const makerDir = "dev/.terminals"

// maker makes the device that everybody gets terminals from. It looks for them beside itself, and must lie where devices can be opened: so
// it has a place of its own, where nothing else can be made.
func (c *copier) maker() error {
	if err := c.root.Mkdir(makerDir, sys.Mine(0o755)); err != nil {
		return err
	}
	if err := c.root.Mount("anicca", makerDir, "tmpfs", []string{"nosuid", "noexec"}, "mode=0755,size=1m"); err != nil {
		return err
	}
	beside := path.Join(makerDir, "pts")
	if err := errors.Join(c.root.Node(path.Join(makerDir, "ptmx"), syscall.S_IFCHR|0o666, 5<<8|2), c.root.Mkdir(beside, sys.Mine(0o755))); err != nil {
		return err
	}
	real, err := c.real.Graft("/dev/pts", true)
	if err != nil {
		return err
	}
	if err := real.Attach(c.root, beside); err != nil {
		return err
	}
	g, err := c.root.Graft(makerDir, true)
	if err != nil {
		return err
	}
	if err := g.ReadOnly(); err != nil {
		return errors.Join(err, g.Close())
	}
	return g.Attach(c.root, makerDir)
}
