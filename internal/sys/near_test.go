package sys_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func noParents() error { return os.ErrNotExist }

// What is made to be covered has the owner and mode of the kept copy, whatever the directory gives to what is made in it.
func TestNearMakesItAsKept(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	for _, up := range []uint32{0o755, 0o2755, 0o1777} {
		must(t, os.Mkdir(dir+"/up", 0o755))
		must(t, os.MkdirAll(dir+"/store/up", 0o755))
		must(t, unix.Chmod(dir+"/up", up))
		n := in.Near()
		for _, mode := range []uint32{0o755, 0o700, 0o775, 0o1777, 0o2750, 0o600, 0o644, 0o666} {
			p := "up/kept"
			if mode&0o100 == 0 {
				write(t, dir+"/store/"+p, "kept", 0o600)
			} else {
				must(t, os.Mkdir(dir+"/store/"+p, 0o700))
			}
			must(t, unix.Chmod(dir+"/store/"+p, mode))
			must(t, n.BindNew("store/"+p, p, nil, noParents))
			if ok, err := sys.MountedFrom(in, "store/"+p, in, p); err != nil || !ok {
				t.Errorf("%o in %o: does not show the kept copy: %v", mode, up, err)
			}
			must(t, in.Unmount(p, true))
			if s, err := in.Stat(p); err != nil || s.Perm() != mode || int(s.Gid) != os.Getegid() {
				t.Errorf("%o in %o: what was covered has mode %o and group %d: %v", mode, up, s.Perm(), s.Gid, err)
			}
			must(t, os.Remove(dir+"/"+p))
			must(t, os.Remove(dir+"/store/"+p))
		}
		n.Close()
		must(t, os.Remove(dir+"/up"))
	}
}

// A directory that is kept open is moved away, and another takes its place: nothing is mounted in the one that was moved.
func TestNearIsNotLedAway(t *testing.T) {
	nstest.Need(t)
	for _, link := range []bool{false, true} {
		in, dir := tree(t)
		must(t, os.MkdirAll(dir+"/home/a", 0o755))
		must(t, os.MkdirAll(dir+"/store/home/a/x", 0o755))
		n := in.Near()
		if _, err := n.Stat("home/a/x"); !os.IsNotExist(err) {
			t.Fatalf("nothing lies there: %v", err)
		}
		must(t, os.Rename(dir+"/home/a", dir+"/home/b"))
		if link {
			must(t, os.Symlink("b", dir+"/home/a"))
		} else {
			must(t, os.Mkdir(dir+"/home/a", 0o755))
		}
		if err := n.BindNew("store/home/a/x", "home/a/x", nil, noParents); err == nil {
			t.Error("was mounted where the path does not lead")
		}
		if mounted, err := in.IsMount("home/b/x"); err != nil || mounted {
			t.Errorf("something is mounted in the directory that was moved: %v", err)
		}
		n.Close()
	}
}

// What lies at the path, or what is no object of its own in the store, is neither covered nor changed.
func TestNearRefuses(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	must(t, os.MkdirAll(dir+"/up/there", 0o755))
	must(t, os.MkdirAll(dir+"/store/up/there", 0o755))
	must(t, os.Symlink("there", dir+"/store/up/link"))
	n := in.Near()
	defer n.Close()
	for p, want := range map[string]error{"up/there": os.ErrExist, "up/missing": os.ErrNotExist, "up/link": nil} {
		if err := n.BindNew("store/"+p, p, nil, noParents); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got the error %v, want %v", p, err, want)
		}
		if mounted, err := in.IsMount(p); err != nil || mounted {
			t.Errorf("%s: something is mounted there: %v", p, err)
		}
	}
	if names, err := in.List("up"); err != nil || len(names) != 1 {
		t.Errorf("what is left there is %v: %v", names, err)
	}
}
