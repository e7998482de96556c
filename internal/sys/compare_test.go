package sys_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// Whatever is changed in a copy is noticed.
func TestCompareNoticesEverything(t *testing.T) {
	nstest.Need(t)
	changes := map[string]func(p string) error{
		"content":    func(p string) error { return os.WriteFile(p+"/f", []byte("yyy"), 0o644) },
		"size":       func(p string) error { return os.WriteFile(p+"/f", []byte("y"), 0o644) },
		"mode":       func(p string) error { return os.Chmod(p+"/f", 0o600) },
		"missing":    func(p string) error { return os.Remove(p + "/f") },
		"only in":    func(p string) error { return os.WriteFile(p+"/g", nil, 0o644) },
		"type":       func(p string) error { return errors.Join(os.Remove(p+"/f"), os.Mkdir(p+"/f", 0o755)) },
		"link":       func(p string) error { return errors.Join(os.Remove(p+"/l"), os.Symlink("b", p+"/l")) },
		"attributes": func(p string) error { return unix.Setxattr(p+"/f", "user.x", []byte("y"), 0) },
	}
	for what, change := range changes {
		t.Run(what, func(t *testing.T) {
			from, src := tree(t)
			to, dst := tree(t)
			write(t, src+"/d/f", "xxx", 0o644)
			must(t, os.Symlink("a", src+"/d/l"))
			must(t, sys.Copy(from, "d", to, "d"))
			must(t, change(dst+"/d"))
			diff, err := sys.Compare(from, "d", to, "d", 10)
			must(t, err)
			for _, d := range diff {
				if strings.Contains(d.What, what) {
					return
				}
			}
			t.Errorf("not noticed: %v", diff)
		})
	}
}

// Differences in times alone are many where somebody copied without them. They hide nothing worse, even if only one is asked for.
func TestCompareTellsTheWorstFirst(t *testing.T) {
	nstest.Need(t)
	from, src := tree(t)
	to, dst := tree(t)
	for i := range 20 {
		for _, at := range []string{src, dst} {
			write(t, fmt.Sprintf("%s/d/%02d", at, i), "xxx", 0o644)
		}
		must(t, os.Chtimes(fmt.Sprintf("%s/d/%02d", dst, i), time.Unix(1, 0), time.Unix(1, 0)))
	}
	write(t, dst+"/d/19", "yyy", 0o644)
	for _, most := range []int{1, 3} {
		diff, err := sys.Compare(from, "d", to, "d", most)
		must(t, err)
		if len(diff) != most || diff[0].Path != "19" || diff[0].What != "content" {
			t.Errorf("of %d: %v", most, diff)
		}
	}
}

// A sparse file of a size that nobody can read is compared by what is in it.
func TestCompareSkipsHoles(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	const size = 4 << 40
	for p, at := range map[string]int64{"a": size / 2, "b": size / 4} {
		must(t, os.WriteFile(dir+"/"+p, nil, 0o644))
		must(t, os.Truncate(dir+"/"+p, size))
		f, err := os.OpenFile(dir+"/"+p, os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt([]byte("x"), at)
		must(t, errors.Join(err, f.Close()))
	}
	must(t, sys.Copy(in, "a", in, "copy"))
	for p, want := range map[string]bool{"copy": true, "b": false} {
		diff, err := sys.Compare(in, "a", in, p, 10)
		must(t, err)
		same := !slices.ContainsFunc(diff, func(d sys.Difference) bool { return d.What == "content" })
		if same != want {
			t.Errorf("%s: %v", p, diff)
		}
	}
}
