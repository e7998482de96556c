package sys

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// utab is where libmount keeps the mount options that the kernel does not know, such as x-gvfs-hide;
// "findmnt --mtab", GIO and file managers read it. A line is found again by its SRC, TARGET and ROOT together.
// Format: util-linux, libmount/src/tab_update.c.
const utab = "run/mount/utab"

// NoteUserOptions writes the options that begin with "x-" of the mounts at the given paths into the tree's utab.
// The tree must be the root of the running system.
func NoteUserOptions(root *Tree, options map[string][]string) error {
	for p, list := range options {
		own := slices.DeleteFunc(slices.Clone(list), func(o string) bool { return !strings.HasPrefix(o, "x-") })
		if len(own) == 0 {
			delete(options, p)
			continue
		}
		options[p] = own
	}
	if len(options) == 0 {
		return nil
	}
	mounts, err := mountinfo.GetMounts(func(i *mountinfo.Info) (skip, stop bool) {
		return options[i.Mountpoint] == nil, false
	})
	if err != nil {
		return err
	}
	if err := root.MkdirAll("run/mount", func(string) Perm { return Perm{Mode: 0o755} }); err != nil {
		return err
	}
	// libmount takes this lock too, for the length of one such change.
	lock, err := root.open(utab+".lock", unix.O_RDWR|unix.O_CREAT|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return err
	}
	defer unix.Close(lock)
	if err := retry(func() error { return unix.Flock(lock, unix.LOCK_EX) }); err != nil {
		return wrap("lock", root.Path(utab), err)
	}
	old, err := root.ReadFile(utab)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text := string(old)
	for _, m := range mounts {
		id := "SRC=" + mangle(m.Source) + " TARGET=" + mangle(m.Mountpoint) + " ROOT=" + mangle(m.Root)
		line := id + " OPTS=" + mangle(strings.Join(options[m.Mountpoint], ",")) + "\n"
		if strings.Contains(text, line) {
			continue
		}
		var keep strings.Builder // without what was said of it before
		for l := range strings.Lines(text) {
			if !strings.HasPrefix(l, id+" ") {
				keep.WriteString(l)
			}
		}
		text = keep.String() + line
	}
	if text == string(old) {
		return nil
	}
	return root.WriteFile(utab, []byte(text), Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o644})
}

// mangle writes a value as libmount does: what would end it, in octal.
func mangle(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
}
