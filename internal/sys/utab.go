package sys

import (
	"errors"
	"io/fs"
	"os"
	"path"
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
// in the place of what was written there of them before, those of others in addition. The tree must be the root of the running system. Made are mounts of which it is known what they show.
func NoteUserOptions(root *Tree, ours, others map[string][]string, made map[string]Made) error {
	if len(ours)+len(others) == 0 {
		return nil
	}
	if !anyForUsers(ours) && !anyForUsers(others) { // mostly; then at most something is taken out
		if s, err := root.Stat(utab); errors.Is(err, fs.ErrNotExist) || err == nil && s.Size == 0 {
			return nil
		}
	}
	lines, err := linesOf(ours, others, made)
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
	notes := readNotes(string(old))
	for _, m := range lines {
		id := "SRC=" + mangle(m.Source) + " TARGET=" + mangle(m.Mountpoint) + " ROOT=" + mangle(m.Root)
		if options, own := ours[m.Mountpoint]; own {
			notes.set(id, options, desktopOptions)
		} else {
			notes.set(id, others[m.Mountpoint], nil)
		}
	}
	text := strings.Join(notes.lines, "")
	if text == string(old) {
		return nil
	}
	return root.WriteFile(utab, []byte(text), Perm{UID: os.Getuid(), GID: os.Getgid(), Mode: 0o644})
}

// Made is what a bind mount shows: the object that was at a path, on a mount.
type Made struct {
	Source string // clean and absolute
	Mount  uint64 // its number
}

// linesOf returns the lines of the mount table for the given mount points. The kernel takes microseconds for each line, and what we
// mount comes last in it: where it is known what all of them show, only the lines of their sources are read.
func linesOf(ours, others map[string][]string, made map[string]Made) ([]*mountinfo.Info, error) {
	wanted, known := map[int]bool{}, len(others) == 0
	for p := range ours {
		m, ok := made[p]
		wanted[int(m.Mount)] = true
		known = known && ok
	}
	if !known {
		return mounts(func(i *mountinfo.Info) (skip, stop bool) {
			_, own := ours[i.Mountpoint]
			_, other := others[i.Mountpoint]
			return !own && !other, false
		})
	}
	left := len(wanted)
	from, err := mounts(func(i *mountinfo.Info) (skip, stop bool) {
		if !wanted[i.ID] {
			return true, false
		}
		left--
		return false, left == 0
	})
	if err != nil {
		return nil, err
	}
	var out []*mountinfo.Info
	for p := range ours {
		for _, m := range from {
			rest, ok := strings.CutPrefix(made[p].Source, strings.TrimSuffix(m.Mountpoint, "/"))
			if m.ID == int(made[p].Mount) && ok {
				out = append(out, &mountinfo.Info{Source: m.Source, Mountpoint: p, Root: path.Join(m.Root, rest)})
			}
		}
	}
	return out, nil
}

func anyForUsers(options map[string][]string) bool {
	for _, all := range options {
		for _, o := range all {
			if strings.HasPrefix(o, "x-") {
				return true
			}
		}
	}
	return false
}

// notes are the lines of utab, with their ends, and which of them speak of a mount.
type notes struct {
	lines []string
	of    map[string][]int
}

func readNotes(text string) notes {
	n := notes{strings.SplitAfter(text, "\n"), map[string][]int{}}
	for i, line := range n.lines {
		if id, _, ok := strings.Cut(line, " OPTS="); ok {
			n.of[id] = append(n.of[id], i)
		}
	}
	return n
}

// set notes the options for user space of one mount, without those to drop. What others have noted of it stays.
func (n *notes) set(id string, options, drop []string) {
	var own []string
	for _, o := range options {
		if strings.HasPrefix(o, "x-") {
			own = append(own, mangle(o))
		}
	}
	at := n.of[id]
	if len(at) == 0 {
		if len(own) > 0 {
			n.of[id] = []int{len(n.lines)}
			n.lines = append(n.lines, id+" OPTS="+strings.Join(own, ",")+"\n")
		}
		return
	}
	value, more, _ := strings.Cut(strings.TrimSuffix(n.lines[at[0]][len(id+" OPTS="):], "\n"), " ")
	for _, o := range strings.Split(value, ",") {
		if !slices.Contains(drop, o) && !slices.Contains(own, o) && o != "" {
			own = append(own, o)
		}
	}
	if more != "" {
		more = " " + more
	}
	for _, i := range at {
		n.lines[i] = ""
	}
	if len(own) > 0 || more != "" {
		n.lines[at[0]] = id + " OPTS=" + strings.Join(own, ",") + more + "\n"
		n.of[id] = at[:1]
	} else {
		delete(n.of, id)
	}
}

var mangled = strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`)

// mangle writes a value as libmount does: what would end it, in octal.
func mangle(s string) string {
	return mangled.Replace(s)
}
