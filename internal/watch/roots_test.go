package watch

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"anicca/internal/sys"
)

// rooms are the filesystems that roots lie on, each mounted at m in the given directory.
var rooms = map[string]func(t *testing.T, top *sys.Tree) error{
	"overlay": func(t *testing.T, top *sys.Tree) error {
		for _, d := range []string{"lower/etc/app", "upper", "work"} {
			must(t, os.MkdirAll(filepath.Join(top.Name(), d), 0o755))
		}
		for _, p := range []string{linked, carried} { // of the base
			must(t, os.WriteFile(filepath.Join(top.Name(), "lower", p), []byte("base\n"), 0o644))
		}
		at := top.Name()
		return top.Mount("root", "m", "overlay", nil, "lowerdir="+at+"/lower,upperdir="+at+"/upper,workdir="+at+"/work")
	},
	"ext4":  image("ext4"),
	"xfs":   image("xfs"),
	"btrfs": image("btrfs"),
}

// image is a filesystem of its own; on btrfs the root is a subvolume, as it is on machines.
func image(fstype string) func(t *testing.T, top *sys.Tree) error {
	return func(t *testing.T, top *sys.Tree) error {
		if _, err := exec.LookPath("mkfs." + fstype); err != nil {
			t.Skip(err)
		}
		script := `cd "$1"; truncate -s 400M disk; mkfs.` + fstype + ` disk >/dev/null; mount -o loop disk m`
		if fstype == "btrfs" {
			script += `; btrfs -q subvolume create m/@; umount m; mount -o loop,subvol=@ disk m`
		}
		out, err := exec.Command("sh", "-ec", script, "sh", top.Name()).CombinedOutput()
		if err != nil {
			t.Skipf("no loop device, or no such filesystem: %v: %s", err, out)
		}
		return nil
	}
}

// On every filesystem that roots lie on, links are put back, dropped mounts are mounted and carried files saved.
func TestRoots(t *testing.T) {
	for name, mount := range rooms {
		t.Run(name, func(t *testing.T) {
			m := newMachineOn(t, func(top *sys.Tree) error { return mount(t, top) })
			m.watch()
			for _, text := range []string{"one\n", "two\n"} {
				m.replace(linked, text)
				m.replace(carried, text)
				m.sh(true, `umount "$m/etc/app/bound"; printf %s "`+text+`" > "$m/etc/app/x"; mv "$m/etc/app/x" "$m/etc/app/bound"`)
				m.until("all are kept", func() bool {
					return m.isLink() && m.read("/persist"+linked) == text && m.inPlace(bound) && m.read(bound) == text && m.read("/persist"+carried) == text
				})
			}
			m.end()
			m.leftNothing()
			s, _, err := ReadState(m.state())
			must(t, err)
			t.Logf("%d of %d directories tell who did it", s.Who, s.Dirs)
		})
	}
}
