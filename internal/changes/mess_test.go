package changes

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"anicca/internal/sys"
)

// mess changes a tree in every way there is, at random. What cannot be done is passed over: an operation on what an earlier one
// has taken away says nothing.
type mess struct {
	t       *testing.T
	r       *rand.Rand
	top     string
	tree    *sys.Tree // the same
	volumes bool      // the filesystem has subvolumes and shares content
	done    map[string]int
}

func newMess(t *testing.T, seed uint64, top string, volumes bool) *mess {
	return &mess{t: t, r: rand.New(rand.NewPCG(seed, 1)), top: top, tree: open(t, top), volumes: volumes, done: map[string]int{}}
}

// some returns the path of something that is there, mostly of something deep: what happens to whole trees would cover the rest.
func (m *mess) some(want func(os.FileInfo) bool) string {
	at := m.top
	var seen []string
	for range 6 {
		all, err := os.ReadDir(at)
		if err != nil || len(all) == 0 {
			break
		}
		e := all[m.r.IntN(len(all))]
		p := filepath.Join(at, e.Name())
		i, err := os.Lstat(p)
		if err != nil {
			break
		}
		if want(i) {
			seen = append(seen, p)
		}
		if !i.IsDir() {
			break
		}
		at = p
	}
	if len(seen) == 0 {
		return ""
	}
	if m.r.IntN(20) > 0 {
		seen = seen[max(0, len(seen)-2):]
	}
	return seen[m.r.IntN(len(seen))]
}

func file(i os.FileInfo) bool { return i.Mode().IsRegular() }
func dir(i os.FileInfo) bool  { return i.IsDir() }
func any1(os.FileInfo) bool   { return true }

// name is a path in some directory, often one that is there already.
func (m *mess) name() string {
	d := m.some(dir)
	if d == "" || m.r.IntN(8) == 0 {
		d = m.top
	}
	return filepath.Join(d, fmt.Sprint("n", m.r.IntN(12)))
}

func (m *mess) bytes() []byte {
	n := []int{0, 10, 300, 3000, 5000, 20000}[m.r.IntN(6)]
	b := make([]byte, n)
	c := byte('a' + m.r.IntN(3)) // so that contents are often the same
	for i := range b {
		b[i] = c
	}
	return b
}

// fill makes a tree of about so many files.
func (m *mess) fill(files int) {
	for i := range files {
		d := filepath.Join(m.top, fmt.Sprint("n", i%5), fmt.Sprint("n", i/5%7), fmt.Sprint("n", i/35%3))
		must(m.t, os.MkdirAll(d, 0o755))
		p := filepath.Join(d, fmt.Sprint("f", i))
		must(m.t, put(p, m.bytes(), 0o644))
		if i%2 == 0 {
			must(m.t, syscall.Setxattr(p, "user.a0", []byte("a"), 0))
		}
	}
}

var operations = []string{
	"write", "write", "write", "append", "overwrite", "truncate", "replace", "replace same", "mkdir", "mkdir", "remove", "rmtree", "rename", "rename",
	"rename dir", "exchange", "link", "symlink", "chmod", "chown", "xattr", "no xattr", "acl", "utimes", "touch", "fifo", "reflink", "subvolume", "away and back",
	"swap dirs", "type", "hole", "rewrite same", "socket", "read", "mmap", "long name", "remade",
}

// step does one operation.
func (m *mess) step() {
	op := operations[m.r.IntN(len(operations))]
	if err := m.do(op); err == nil {
		m.done[op]++
	}
}

func (m *mess) do(op string) error {
	f, d, o := m.some(file), m.some(dir), m.some(any1)
	in := func(p string, flags int, do func(*os.File) error) error {
		w, err := os.OpenFile(p, flags, 0o644)
		if err != nil {
			return err
		}
		defer w.Close()
		return do(w)
	}
	switch op {
	case "write":
		return put(m.name(), m.bytes(), 0o644)
	case "append":
		return in(f, os.O_WRONLY|os.O_APPEND, func(w *os.File) error { _, err := w.Write(m.bytes()); return err })
	case "overwrite":
		return in(f, os.O_WRONLY, func(w *os.File) error { _, err := w.WriteAt([]byte("x"), int64(m.r.IntN(4000))); return err })
	case "truncate":
		return os.Truncate(f, int64(m.r.IntN(8000)))
	case "replace":
		if err := put(m.top+"/.new", m.bytes(), 0o644); err != nil {
			return err
		}
		return os.Rename(m.top+"/.new", m.name())
	case "replace same", "rewrite same":
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		i, err := os.Lstat(f)
		if err != nil {
			return err
		}
		if op == "rewrite same" {
			return put(f, b, 0o644)
		}
		if err := put(m.top+"/.new", b, i.Mode()); err != nil {
			return err
		}
		return os.Rename(m.top+"/.new", f)
	case "mkdir":
		return os.Mkdir(m.name(), 0o755)
	case "remove":
		return os.Remove(o)
	case "rmtree":
		if m.r.IntN(4) > 0 || d == "" { // or nothing would be left
			return os.ErrInvalid
		}
		return os.RemoveAll(d)
	case "rename":
		return os.Rename(o, m.name())
	case "rename dir":
		return os.Rename(d, m.name())
	case "exchange":
		p := m.some(any1)
		if o == "" || p == "" || placeholder(o) || placeholder(p) { // with those, the kernel leaves names that lead nowhere
			return os.ErrInvalid
		}
		return m.tree.Exchange(strings.TrimPrefix(o, m.top), strings.TrimPrefix(p, m.top))
	case "link":
		return os.Link(f, m.name())
	case "symlink":
		return os.Symlink(fmt.Sprint("to/", m.r.IntN(3)), m.name())
	case "chmod":
		return syscall.Chmod(o, []uint32{0o600, 0o644, 0o755, 0o4755, 0o1777, 0o700}[m.r.IntN(6)])
	case "chown":
		return os.Lchown(o, m.r.IntN(2), m.r.IntN(2))
	case "xattr":
		return syscall.Setxattr(o, fmt.Sprint("user.a", m.r.IntN(2)), []byte{byte('a' + m.r.IntN(2))}, 0)
	case "no xattr":
		for _, p := range []string{o, f, d} { // few have one
			for _, n := range []string{"user.a0", "user.a1"} {
				if syscall.Removexattr(p, n) == nil {
					return nil
				}
			}
		}
		return os.ErrInvalid
	case "acl":
		return syscall.Setxattr(o, "system.posix_acl_access", list(uint32(m.r.IntN(3))), 0)
	case "utimes":
		return os.Chtimes(f, time.Time{}, time.Unix(int64(m.r.IntN(3)), 0))
	case "touch":
		return os.Chtimes(f, time.Now(), time.Now())
	case "fifo":
		return syscall.Mkfifo(m.name(), 0o644)
	case "socket":
		return syscall.Mknod(m.name(), syscall.S_IFSOCK|0o644, 0)
	case "reflink":
		if !m.volumes || f == "" || m.r.IntN(2) > 0 {
			return os.ErrInvalid
		}
		return exec.Command("cp", "--reflink=always", "--remove-destination", "--no-target-directory", f, m.name()).Run()
	case "subvolume":
		if !m.volumes || m.r.IntN(3) > 0 {
			return os.ErrInvalid
		}
		return exec.Command("btrfs", "-q", "subvolume", "create", m.name()).Run()
	case "away and back":
		if o == "" {
			return os.ErrInvalid
		}
		if err := os.Rename(o, m.top+"/.aside"); err != nil {
			return err
		}
		return os.Rename(m.top+"/.aside", o)
	case "swap dirs": // a new directory takes the place of an old one, with what was in it
		if d == "" {
			return os.ErrInvalid
		}
		if err := os.Mkdir(m.top+"/.dir", 0o755); err != nil {
			return err
		}
		all, _ := os.ReadDir(d)
		for _, e := range all {
			if err := os.Rename(filepath.Join(d, e.Name()), filepath.Join(m.top, ".dir", e.Name())); err != nil {
				break
			}
		}
		_ = os.Remove(d)
		if err := os.Rename(m.top+"/.dir", d); err != nil {
			return os.Rename(m.top+"/.dir", filepath.Join(m.top, fmt.Sprint("left", m.r.IntN(1000))))
		}
		return nil
	case "type":
		if o == "" || o == d {
			return os.ErrInvalid
		}
		if err := os.Remove(o); err != nil {
			return err
		}
		return []func() error{
			func() error { return os.Mkdir(o, 0o755) }, func() error { return os.Symlink("x", o) },
			func() error { return put(o, m.bytes(), 0o644) },
		}[m.r.IntN(3)]()
	case "hole":
		const punch = 3 // keeping the size
		return in(f, os.O_WRONLY, func(w *os.File) error { return syscall.Fallocate(int(w.Fd()), punch, 0, 4096) })
	case "read":
		_, err := os.ReadFile(f)
		return err
	case "mmap":
		return in(f, os.O_RDWR, func(w *os.File) error {
			i, err := w.Stat()
			if err != nil || i.Size() == 0 {
				return os.ErrInvalid
			}
			b, err := syscall.Mmap(int(w.Fd()), 0, int(i.Size()), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
			if err != nil {
				return err
			}
			b[0] = byte('a' + m.r.IntN(3))
			return syscall.Munmap(b)
		})
	case "long name":
		return os.Link(f, filepath.Join(filepath.Dir(f), strings.Repeat("l", 200+m.r.IntN(55))))
	case "remade": // the same again, as another file
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		if err := os.Remove(f); err != nil {
			return err
		}
		return put(f, b, 0o644)
	}
	m.t.Fatalf("no operation %q", op)
	return nil
}

// placeholder reports whether it is the empty directory in the place of a subvolume that a snapshot has not.
func placeholder(p string) bool {
	var s syscall.Stat_t
	return syscall.Lstat(p, &s) == nil && s.Ino == 2
}

// put writes a file, and does not wait for a reader where there is a pipe.
func put(p string, b []byte, mode os.FileMode) error {
	w, err := os.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, mode)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return errors.Join(err, w.Close())
}

// list is an access list that lets one more user read, as the kernel takes it.
func list(user uint32) []byte {
	out := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range [][3]uint32{{1, 6, ^uint32(0)}, {2, 4, user}, {4, 4, ^uint32(0)}, {0x10, 4, ^uint32(0)}, {0x20, 4, ^uint32(0)}} {
		out = binary.LittleEndian.AppendUint16(out, uint16(e[0]))
		out = binary.LittleEndian.AppendUint16(out, uint16(e[1]))
		out = binary.LittleEndian.AppendUint32(out, e[2])
	}
	return out
}
