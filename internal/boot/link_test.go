package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// linkedDirs keeps three directories by link; the store has all, the base has two, one with content.
func linkedDirs(t *testing.T) *disk {
	t.Helper()
	d := newDisk(t, decl.ResetOn)
	for _, p := range []string{"anicca/base/1/srv/full/old", "store/srv/full/f", "store/srv/new/f", "store/srv/empty/f"} {
		d.write(p, "kept\n")
	}
	must(t, os.MkdirAll(filepath.Join(d.dir, "anicca/base/1/srv/empty"), 0o755))
	d.declare(decl.ResetOn, []plan.Step{
		{Kind: plan.Symlink, Path: "/srv/empty", Dir: true},
		{Kind: plan.Symlink, Path: "/srv/full", Dir: true},
		{Kind: plan.Symlink, Path: "/srv/new", Dir: true},
	})
	return d
}

func (d *disk) isLink(p string) bool {
	target, err := d.root.Readlink(p)
	return err == nil && target == "/persist"+p
}

// A fresh root gets links. Where an overlay cannot have one in the place of a directory of the base, the kept copy is mounted.
func TestPersistLinksDirectories(t *testing.T) {
	d := linkedDirs(t)
	r := d.boot(nil)
	if !r.OK() || !d.isLink("/srv/empty") || !d.isLink("/srv/new") || d.read("/srv/full/f") != "kept\n" {
		t.Fatalf("%+v", r)
	}
	if len(r.Notes) == 0 || !strings.Contains(strings.Join(r.Notes, "\n"), "/srv/full is mounted over in this session, not linked") {
		t.Errorf("nothing is said of the mount: %q", r.Notes)
	}
	if r = d.finish(r); !r.OK() || r.state("/srv/full") != Placed || r.state("/srv/new") != Placed {
		t.Errorf("later: %+v", r)
	}
}

// In a root that was not reset, a directory with other data is left, and said.
func TestPersistLeavesADirectoryInTheLinksPlace(t *testing.T) {
	d := linkedDirs(t)
	d.write("anicca/upper/srv/new/mine", "mine\n")
	d.write("anicca/upper/srv/empty/f", "kept\n")
	r := d.boot(cmdline("anicca=keep"))
	if r.OK() || r.state("/srv/new") != Missed || d.read("/srv/new/mine") != "mine\n" {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(strings.Join(r.Problems, "\n"), "/srv/new is not kept in this session: a program has replaced the link by something that differs") {
		t.Errorf("%q", r.Problems)
	}
}

// Where the filesystem can, what the base has is put aside, and gone once the system runs.
func TestLinkInThePlaceOfTheBase(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	for _, p := range []string{"root/srv/full/old", "root/persist/srv/full/f"} {
		d.write(p, "x\n")
	}
	tree, err := sys.OpenTree(filepath.Join(d.dir, "root"))
	must(t, err)
	defer tree.Close()
	s := plan.Step{Kind: plan.Symlink, Path: "/srv/full", Store: "/persist", Source: "/persist/srv/full", Dir: true}
	r := &Record{Outcome: Done}
	must(t, linkDir(r, tree, s))
	if to, err := tree.Readlink("/srv/full"); err != nil || to != s.Source || len(r.Notes) > 0 {
		t.Errorf("%s, %v, %q", to, err, r.Notes)
	}
	began := filepath.Join(tree.Path("/srv"), sys.TempName()) // by another program, such as 'anicca forget'
	r.pass = Late
	must(t, os.Mkdir(began, 0o755))
	sweep(r, tree, &plan.Boot{Entries: []plan.Step{s}}, time.Time{})
	must(t, os.Remove(began))
	r.pass = Early
	sweep(r, tree, &plan.Boot{Entries: []plan.Step{s}}, time.Time{})
	if names, err := tree.List("/srv"); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if there, err := tree.Exists("/persist/srv/full/f"); err != nil || !there {
		t.Errorf("the kept copy is gone: %v", err)
	}
}

// Where programs run, what they have open in the directory that lies there goes on to exist.
func TestLinkWhereProgramsRun(t *testing.T) {
	d := newDisk(t, decl.ResetOn)
	for _, p := range []string{"root/srv/full/f", "root/persist/srv/full/f"} {
		d.write(p, "kept\n")
	}
	tree, err := sys.OpenTree(filepath.Join(d.dir, "root"))
	must(t, err)
	defer tree.Close()
	open, err := os.OpenFile(tree.Path("/srv/full/f"), os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	s := plan.Step{Kind: plan.Symlink, Path: "/srv/full", Store: "/persist", Source: "/persist/srv/full", Dir: true}
	r := &Record{Outcome: Kept, pass: Late}
	must(t, linkDir(r, tree, s))
	must(t, apply.Verify(tree, s))
	_, err = open.WriteString("last\n")
	must(t, err)
	must(t, open.Close())
	sweep(r, tree, &plan.Boot{Entries: []plan.Step{s}}, time.Now().Add(time.Hour)) // of the next boot
	must(t, tree.Unmount("/srv/full", false))
	if got, err := tree.ReadFile("/srv/full/f"); err != nil || string(got) != "kept\nlast\n" {
		t.Errorf("what the program wrote is gone: %q, %v", got, err)
	}
}

// What was written into a directory that took the link's place is gone with the root, and the boot says where it is.
func TestReplacedDirectoryIsInTheArchive(t *testing.T) {
	d := linkedDirs(t)
	d.write("anicca/upper/srv/new/mine", "mine\n")
	r := d.boot(nil)
	if !r.OK() || !d.isLink("/srv/new") || !strings.Contains(strings.Join(r.Notes, "\n"), "/srv/new: there was a directory in the link's place") {
		t.Errorf("%+v", r)
	}
}
