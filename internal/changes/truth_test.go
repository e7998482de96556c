package changes

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"anicca/internal/review"
)

// truth is what lies in a tree, path by path, told by the plainest calls there are.
type truth map[string]thing

type thing struct {
	kind    string
	content string
	mode    uint32
	owner   string
	xattrs  map[string]string
	size    int64
}

func read(t *testing.T, dir string) truth {
	t.Helper()
	out := truth{}
	must(t, filepath.Walk(dir, func(p string, i os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		s := i.Sys().(*syscall.Stat_t)
		x := thing{kind: i.Mode().Type().String(), owner: fmt.Sprint(s.Uid, ":", s.Gid), xattrs: attributes(p)}
		if i.Mode()&os.ModeSymlink == 0 {
			x.mode = s.Mode & 0o7777
		}
		if !i.IsDir() {
			x.size = i.Size()
		}
		switch i.Mode().Type() {
		case 0:
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			x.content = string(b)
		case os.ModeSymlink:
			if x.content, err = os.Readlink(p); err != nil {
				return err
			}
		default:
			x.content = fmt.Sprint(s.Rdev)
		}
		out["/"+strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")] = x
		return nil
	}))
	return out
}

func attributes(p string) map[string]string {
	out := map[string]string{}
	buf := make([]byte, 64<<10)
	n, err := syscall.Listxattr(p, buf)
	if i, lerr := os.Lstat(p); err != nil || lerr != nil || i.Mode()&os.ModeSymlink != 0 {
		return out
	}
	for name := range bytes.SplitSeq(bytes.TrimRight(buf[:n], "\x00"), []byte{0}) {
		val := make([]byte, 64<<10)
		if m, err := syscall.Getxattr(p, string(name), val); err == nil && len(name) > 0 {
			out[string(name)] = string(val[:m])
		}
	}
	return out
}

// expected is the answer that the changes between two trees must be, by comparing all of both.
func expected(was, now truth, skip Skip) []string {
	var out []string
	paths := map[string]bool{}
	for p := range was {
		paths[p] = true
	}
	for p := range now {
		paths[p] = true
	}
	above := func(p string, f func(string) bool) bool {
		for p != "/" {
			if p = filepath.Dir(p); f(p) {
				return true
			}
		}
		return false
	}
	for p := range paths {
		if skip(p) || above(p, skip) {
			continue
		}
		a, had := was[p]
		b, has := now[p]
		// What lies below something that is told as a whole is told with it.
		if above(p, func(q string) bool {
			x, had := was[q]
			y, has := now[q]
			return !had || !has || x.kind != y.kind
		}) {
			continue
		}
		switch {
		case !had:
			out = append(out, line1(p, review.Added, "", now, skip))
		case !has:
			out = append(out, line1(p, review.Deleted, "", was, skip))
		case a.kind != b.kind:
			out = append(out, line1(p, review.Modified, "type", now, skip))
		default:
			if d := differences(a, b); d != "" {
				files := 0
				if b.kind != "d---------" {
					files = 1
				}
				out = append(out, fmt.Sprint(p, " modified ", d, " ", files, " ", b.size))
			}
		}
	}
	slices.Sort(out)
	return out
}

func line1(p string, what review.What, d string, in truth, skip Skip) string {
	files, size := 0, int64(0)
	for q, x := range in {
		if q != p && !strings.HasPrefix(q, p+"/") || x.kind == "d---------" {
			continue
		}
		kept := false
		for r := q; r != p; r = filepath.Dir(r) {
			kept = kept || skip(r)
		}
		if !kept {
			files, size = files+1, size+x.size
		}
	}
	return fmt.Sprint(p, " ", what, " ", d, " ", files, " ", size)
}

func differences(a, b thing) string {
	var d []string
	if a.content != b.content {
		d = append(d, "content")
	}
	if a.mode != b.mode {
		d = append(d, "mode")
	}
	if a.owner != b.owner {
		d = append(d, "owner")
	}
	acl, other := false, false
	for _, n := range []map[string]string{a.xattrs, b.xattrs} {
		for k := range n {
			x, ok1 := a.xattrs[k]
			y, ok2 := b.xattrs[k]
			if ok1 == ok2 && x == y {
				continue
			}
			if strings.HasPrefix(k, "system.posix_acl") {
				acl = true
			} else {
				other = true
			}
		}
	}
	if acl {
		d = append(d, "acl")
	}
	if other {
		d = append(d, "xattr")
	}
	return strings.Join(d, ", ")
}

func lines(all []review.Change) []string {
	var out []string
	for _, c := range all {
		out = append(out, fmt.Sprint(c.Path, " ", c.What, " ", c.Differs, " ", c.Files, " ", c.Size))
	}
	slices.Sort(out)
	return out
}

// equal holds an answer against the truth.
func equal(t *testing.T, got, want []string) bool {
	t.Helper()
	ok := true
	for _, l := range got {
		if !slices.Contains(want, l) {
			t.Errorf("told, and is not so: %q", l)
			ok = false
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) {
			t.Errorf("not told:            %q", l)
			ok = false
		}
	}
	return ok
}
