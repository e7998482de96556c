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

// desktopOptions are those that nobody else writes of the mounts that anicca makes.
var desktopOptions = []string{"x-gvfs-hide", "x-gvfs-trash"}

// NoteUserOptions writes the options that begin with "x-" of the mounts at the given paths into the tree's utab: those of our own mounts
// in the place of what was written there of them before, those of others in addition. The tree must be the root of the running system.
func NoteUserOptions(root *Tree, ours, others map[string][]string) error {
	if len(ours)+len(others) == 0 {
		return nil
	}
	lines, err := mounts(func(i *mountinfo.Info) (skip, stop bool) {
		_, own := ours[i.Mountpoint]
		_, other := others[i.Mountpoint]
		return !own && !other, false
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
	for _, m := range lines {
		id := "SRC=" + mangle(m.Source) + " TARGET=" + mangle(m.Mountpoint) + " ROOT=" + mangle(m.Root)
		if options, own := ours[m.Mountpoint]; own {
			text = noteMount(text, id, options, desktopOptions)
		} else {
			text = noteMount(text, id, others[m.Mountpoint], nil)
		}
	}
	if text == string(old) {
		return nil
	}
	return root.WriteFile(utab, []byte(text), Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o644})
}

// noteMount returns the text of utab with the options for user space of one mount, and without those to drop. What others have noted of
// it stays.
func noteMount(text, id string, options, drop []string) string {
	var own []string
	for _, o := range options {
		if strings.HasPrefix(o, "x-") {
			own = append(own, mangle(o))
		}
	}
	var out strings.Builder
	said := false
	for _, line := range strings.SplitAfter(text, "\n") {
		rest, mine := strings.CutPrefix(line, id+" OPTS=")
		if !mine {
			out.WriteString(line)
			continue
		}
		value, more, _ := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
		if !said {
			for _, o := range strings.Split(value, ",") {
				if !slices.Contains(drop, o) && !slices.Contains(own, o) && o != "" {
					own = append(own, o)
				}
			}
			if more != "" {
				more = " " + more
			}
			if len(own) > 0 || more != "" {
				out.WriteString(id + " OPTS=" + strings.Join(own, ",") + more + "\n")
			}
			said = true
		}
	}
	if !said && len(own) > 0 {
		out.WriteString(id + " OPTS=" + strings.Join(own, ",") + "\n")
	}
	return out.String()
}

// mangle writes a value as libmount does: what would end it, in octal.
func mangle(s string) string {
	return strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`).Replace(s)
}
