package sys

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Holder is a program that uses something.
type Holder struct {
	PID  int    `json:"pid"`
	Name string `json:"name"`
	Use  string `json:"use"` // such as "has /srv/data/x open"
}

func (h Holder) String() string { return fmt.Sprintf("%s (%d) %s", h.Name, h.PID, h.Use) }

// MountHolders returns the programs that use what is mounted at p, in whatever mount namespace they are.
func (t *Tree) MountHolders(p string) ([]Holder, error) {
	at := t.Path(p)
	own, err := mounts(func(i *mountinfo.Info) (skip, stop bool) { return i.Mountpoint != at, false })
	if err != nil || len(own) == 0 {
		return nil, err
	}
	top := own[len(own)-1]
	ids := map[string]map[uint64]bool{} // by namespace: other ones have the same mount by another number
	return holders(at, func(pid string, x unix.Statx_t) bool {
		ns, err := os.Readlink("/proc/" + pid + "/ns/mnt")
		if err != nil {
			return false
		}
		if ids[ns] == nil {
			ids[ns] = map[uint64]bool{}
			_, _ = mountsOf("/proc/"+pid+"/mountinfo", func(i *mountinfo.Info) bool {
				if i.Major == top.Major && i.Minor == top.Minor && i.Root == top.Root && i.Mountpoint == at {
					ids[ns][uint64(i.ID)] = true
				}
				return false
			})
		}
		return x.Mask&unix.STATX_MNT_ID != 0 && ids[ns][x.Mnt_id]
	})
}

// FileHolders returns the programs that use the very file p.
func (t *Tree) FileHolders(p string) ([]Holder, error) {
	s, err := t.Stat(p)
	if err != nil {
		return nil, err
	}
	return holders(t.Path(p), func(_ string, x unix.Statx_t) bool {
		return x.Ino == s.Ino && unix.Mkdev(x.Dev_major, x.Dev_minor) == s.Dev
	})
}

// TreeHolders returns the other programs that use the directory p or something in it, in whatever mount namespace they are.
func (t *Tree) TreeHolders(p string) ([]Holder, error) {
	within := map[[2]uint64]bool{} // by device and number: names mean something else in other namespaces
	dir, err := t.Sub(p)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := dir.numbers(within); err != nil {
		return nil, err
	}
	own := strconv.Itoa(os.Getpid())
	return holders(t.Path(p), func(pid string, x unix.Statx_t) bool {
		return pid != own && within[[2]uint64{unix.Mkdev(x.Dev_major, x.Dev_minor), x.Ino}]
	})
}

// numbers notes the devices and numbers of the directory and of all in it.
func (t *Tree) numbers(out map[[2]uint64]bool) error {
	here, err := fstat(t.fd, t.Name())
	if err != nil {
		return err
	}
	out[[2]uint64{here.Dev, here.Ino}] = true
	names, err := t.List(".")
	if err != nil {
		return err
	}
	for _, n := range names {
		s, err := t.Stat(n)
		if err == nil && s.IsDir() && s.MountID == here.MountID {
			var sub *Tree
			if sub, err = t.Sub(n); err == nil {
				err = sub.numbers(out)
				sub.Close()
			}
		} else if err == nil {
			out[[2]uint64{s.Dev, s.Ino}] = true
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // removed meanwhile
			return err
		}
	}
	return nil
}

// holders asks every process for what it uses. Those that may not be asked, or end meanwhile, are passed over.
// What is mapped into memory is recognised by its name, at or below the path at.
func holders(at string, is func(pid string, x unix.Statx_t) bool) ([]Holder, error) {
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var out []Holder
	for _, dir := range names {
		pid := filepath.Base(dir)
		use := usedBy(dir, func(p string) bool {
			var x unix.Statx_t
			return unix.Statx(unix.AT_FDCWD, p, 0, unix.STATX_MNT_ID|unix.STATX_INO, &x) == nil && is(pid, x)
		})
		if use == "" && inMemory(dir, at) {
			use = "has files of it in memory"
		}
		if use == "" {
			continue
		}
		name, _ := os.ReadFile(dir + "/comm")
		n, _ := strconv.Atoi(pid)
		out = append(out, Holder{PID: n, Name: string(bytes.TrimSpace(name)), Use: use})
	}
	slices.SortFunc(out, func(a, b Holder) int { return a.PID - b.PID })
	return out, nil
}

// usedBy says how a process uses something, "" if it does not.
func usedBy(dir string, is func(string) bool) string {
	for _, link := range [][2]string{{"cwd", "works in it"}, {"root", "has it as its root"}, {"exe", "was started from it"}} {
		if is(dir + "/" + link[0]) {
			return link[1]
		}
	}
	fds, _ := os.ReadDir(dir + "/fd")
	for _, fd := range fds {
		if p := dir + "/fd/" + fd.Name(); is(p) {
			what, _ := os.Readlink(p)
			return "has " + what + " open"
		}
	}
	return ""
}

// inMemory reports whether a process has files at or below a path in its memory.
func inMemory(dir, at string) bool {
	f, err := os.Open(dir + "/maps")
	if err != nil {
		return false
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if _, p, ok := strings.Cut(lines.Text(), " /"); ok {
			if p = "/" + p; p == at || strings.HasPrefix(p, at+"/") {
				return true
			}
		}
	}
	return false
}
