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
func expected(was, now truth, look Look) []string {
	skip := look.Skip
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
			out = append(out, whole(p, review.Added, now, look)...)
		case !has:
			out = append(out, whole(p, review.Deleted, was, look)...)
		case a.kind != b.kind:
			out = append(out, whole(p, review.Modified, now, look)...)
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

// whole is what must be told of something that one side has alone: for every path below it, what it stands for is found from the top down.
func whole(top string, what review.What, in truth, look Look) []string {
	type sum struct {
		files int
		size  int64
		told  bool
	}
	sums := map[string]*sum{top: {told: what == review.Modified}}
	full := map[string]bool{} // directories with something in them
	visible := map[string]string{}
	for q := range in {
		if q != top && !strings.HasPrefix(q, top+"/") {
			continue
		}
		owner, at, kept := top, top, false
		for _, name := range strings.Split(strings.TrimPrefix(strings.TrimPrefix(q, top), "/"), "/") {
			if name == "" {
				continue
			}
			if what != review.Deleted {
				if inside := look.Apart(owner); inside != nil && inside(at)(name) {
					owner = at + "/" + name
				}
			}
			at += "/" + name
			kept = kept || look.Skip(at)
		}
		if !kept {
			visible[q] = owner
			if q != top {
				full[filepath.Dir(q)] = true
			}
		}
	}
	for q, owner := range visible {
		if sums[owner] == nil {
			sums[owner] = &sum{}
		}
		s := sums[owner]
		if isDir := in[q].kind == "d---------"; !isDir {
			s.files, s.size, s.told = s.files+1, s.size+in[q].size, true
		} else if !full[q] {
			s.told = true
		}
	}
	var out []string
	for owner, s := range sums {
		w, d := what, ""
		if what == review.Modified {
			if d = "type"; owner != top {
				w, d = review.Added, ""
			}
		}
		if s.told {
			out = append(out, fmt.Sprint(owner, " ", w, " ", d, " ", s.files, " ", s.size))
		}
	}
	return out
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
