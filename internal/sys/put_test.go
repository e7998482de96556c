package sys_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// Whatever the directory above gives to what is made in it, a copy is as its original, and takes the place of what was there.
func TestPut(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	then := time.Unix(1_600_000_000, 123_456_789)
	for _, up := range givers(t, dir) {
		n := in.Near()
		for _, mode := range []uint32{0o644, 0o600, 0o640, 0o444, 0o755, 0o664, 0o4755} {
			for _, size := range []int{0, 1, 4096, 4097, 300_000} {
				text := strings.Repeat("a", size)
				write(t, dir+"/f", text, 0o600)
				must(t, unix.Chmod(dir+"/f", mode))
				must(t, os.Chtimes(dir+"/f", then, then))
				if size == 1 {
					must(t, unix.Setxattr(dir+"/f", "user.colour", []byte("blue"), 0))
				}
				must(t, sys.Put(in, "f", in, up+"/f", size%2 == 0))
				must(t, n.Put(in, "f", up+"/g", false))
				for _, name := range []string{"/f", "/g"} {
					p := up + name
					s, err := in.Stat(p)
					must(t, err)
					if s.Perm() != mode || int(s.Gid) != os.Getegid() || read(t, dir+"/"+p) != text {
						t.Errorf("%s of %d bytes: mode %o and group %d, want %o", p, size, s.Perm(), s.Gid, mode)
					}
					if at := time.Unix(s.Mtim.Unix()); !at.Equal(then) {
						t.Errorf("%s of %d bytes: of %v", p, size, at)
					}
					has, err := in.Xattrs(p)
					if err != nil || len(has) > 1 || !bytes.Equal(has["user.colour"], map[bool][]byte{true: []byte("blue")}[size == 1]) {
						t.Errorf("%s of %d bytes has %v: %v", p, size, has, err)
					}
					if !sys.SameFiles(in, "f", in, p) {
						t.Errorf("%s of %d bytes is not the same", p, size)
					}
				}
				must(t, os.Remove(dir+"/f"))
			}
		}
		n.Close()
		if names, err := in.List(up); err != nil || len(names) != 2 {
			t.Errorf("left in %s: %v, %v", up, names, err)
		}
	}
}

// Files differ by what nobody sees at a glance, and what is no file is the same as nothing.
func TestSameFiles(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	then := time.Unix(1_600_000_000, 0)
	for name, change := range map[string]func(p string){
		"content": func(p string) { must(t, os.WriteFile(p, []byte("texT"), 0o644)) },
		"more":    func(p string) { must(t, os.WriteFile(p, []byte("text\n"), 0o644)) },
		"mode":    func(p string) { must(t, os.Chmod(p, 0o640)) },
		"colour":  func(p string) { must(t, unix.Setxattr(p, "user.colour", []byte("blue"), 0)) },
		"link":    func(p string) { must(t, os.Remove(p)); must(t, os.Symlink("model", p)) },
		"fifo":    func(p string) { must(t, os.Remove(p)); must(t, unix.Mkfifo(p, 0o644)) },
		"dir":     func(p string) { must(t, os.Remove(p)); must(t, os.Mkdir(p, 0o644)) },
		"missing": func(p string) { must(t, os.Remove(p)) },
		"same":    func(string) {},
	} {
		for _, f := range []string{"model", name} {
			write(t, dir+"/"+f, "text", 0o644)
		}
		change(dir + "/" + name)
		for _, f := range []string{"model", name} {
			if i, err := os.Lstat(dir + "/" + f); err == nil && i.Mode().IsRegular() {
				must(t, os.Chtimes(dir+"/"+f, then, then))
			}
		}
		for _, pair := range [][2]string{{"model", name}, {name, "model"}} {
			if same := sys.SameFiles(in, pair[0], in, pair[1]); same != (name == "same") {
				t.Errorf("%s and %s: the same: %v", pair[0], pair[1], same)
			}
		}
	}
}
