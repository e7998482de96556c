package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"anicca/internal/plan"
	"anicca/internal/sys"
)

// An editor puts a file in place of a link: what it wrote is kept, and the link is there again.
func TestReplacedLink(t *testing.T) {
	eachWay(t, func(t *testing.T, m *machine) {
		m.watch()
		// As sed -i and editors do. The shell is the last to write, and is still there when it is asked for.
		m.sh(false, `echo edited > "$m/etc/app/x"; chmod 600 "$m/etc/app/x"; mv "$m/etc/app/x" "$m/etc/app/linked"; : >> "$m/etc/app/linked"; sleep 1`)
		m.until("the link is back", m.isLink)
		if got := m.read("/persist" + linked); got != "edited\n" {
			t.Errorf("kept: %q", got)
		}
		if s, err := os.Stat(m.path("/persist" + linked)); err != nil || s.Mode().Perm() != 0o600 {
			t.Errorf("mode: %v, %v", s.Mode(), err)
		}
		if got := m.asides(linked); !slices.Equal(got, []string{"kept\n"}) {
			t.Errorf("aside: %q", got)
		}
		m.end()
		s, _, err := ReadState(m.state())
		must(t, err)
		i := slices.IndexFunc(s.Done, func(d Note) bool { return d.Path == linked })
		if i < 0 || len(s.Wrong) > 0 {
			t.Fatalf("%+v", s)
		}
		if by := s.Done[i].By; strings.HasPrefix(by, "sh") == m.noWho || by == "a program" != m.noWho {
			t.Errorf("by %q", by)
		}
		m.leftNothing()
	})
}

// A link that is removed comes back; one that is removed and written anew holds what was written.
func TestRemovedLink(t *testing.T) {
	eachWay(t, func(t *testing.T, m *machine) {
		m.watch()
		must(t, os.Remove(m.path(linked)))
		m.until("the link is back", m.isLink)
		must(t, os.Remove(m.path(linked)))
		m.write(linked, "anew\n")
		m.until("it is kept", func() bool { return m.isLink() && m.read("/persist"+linked) == "anew\n" })
		// With all of its directory.
		must(t, os.Rename(m.path("/etc/app"), m.path("/etc/gone")))
		must(t, os.Mkdir(m.path("/etc/app"), 0o755))
		m.until("the link is back in the new directory", m.isLink)
		m.replace(linked, "there\n")
		m.until("that is watched too", func() bool { return m.isLink() && m.read("/persist"+linked) == "there\n" })
	})
}

// Something else in place of a link is told, and left alone.
func TestForeignInPlaceOfALink(t *testing.T) {
	m := newMachine(t)
	m.watch()
	must(t, os.Remove(m.path(linked)))
	must(t, os.Mkdir(m.path(linked), 0o755))
	m.write(linked+"/f", "precious\n")
	m.until("it is told", func() bool { return strings.Contains(m.wrong(linked), "anicca apply") })
	if got := m.read(linked + "/f"); got != "precious\n" {
		t.Error(got)
	}
	must(t, os.RemoveAll(m.path(linked)))
	m.until("all is well again", func() bool { return m.isLink() && m.wrong(linked) == "" })
}

// A program that replaces a file again and again does not fill the store, and its last word is kept.
func TestBurst(t *testing.T) {
	m := newMachine(t)
	m.watch()
	for i := range 1000 {
		m.replace(linked, strconv.Itoa(i))
		if i%50 == 0 {
			time.Sleep(60 * time.Millisecond) // the watcher is to come in between
		}
	}
	m.until("the last is kept", func() bool { return m.isLink() && m.read("/persist"+linked) == "999" })
	if got := m.asides(linked); !slices.Equal(got, []string{"kept\n"}) {
		t.Errorf("aside: %q", got)
	}
	m.end()
	m.leftNothing()
}

// While a program writes, its file is left alone.
func TestWriterIsWaitedFor(t *testing.T) {
	m := newMachine(t)
	m.watch()
	f, err := os.Create(m.path(linked + "+"))
	must(t, err)
	_, err = f.WriteString("half")
	must(t, err)
	must(t, os.Rename(f.Name(), m.path(linked)))
	m.replace(carried, "seen\n") // this is saved at the same time
	m.until("the other is saved", func() bool { return m.read("/persist"+carried) == "seen\n" })
	if m.isLink() || m.read("/persist"+linked) != "kept\n" {
		t.Fatalf("half a file was taken: %q", m.read("/persist"+linked))
	}
	_, err = f.WriteString(" and half\n")
	must(t, err)
	must(t, f.Close())
	m.until("all of it is kept", func() bool { return m.isLink() && m.read("/persist"+linked) == "half and half\n" })
}

// A program to which a file is no mount replaces it: what it wrote is kept, and mounted.
func TestDroppedMount(t *testing.T) {
	eachWay(t, func(t *testing.T, m *machine) {
		m.watch()
		open, err := os.Open(m.path(bound))
		must(t, err)
		defer open.Close()
		for _, text := range []string{"one", "two"} {
			m.sh(true, `umount "$m/etc/app/bound"; echo `+text+` > "$m/etc/app/x"; mv "$m/etc/app/x" "$m/etc/app/bound"`)
			m.until("it is mounted again", func() bool { return m.inPlace(bound) && m.read(bound) == text+"\n" })
		}
		if got := m.read("/persist" + bound); got != "two\n" {
			t.Errorf("kept: %q", got)
		}
		if got := m.asides(bound); !slices.Equal(got, []string{"kept\n"}) {
			t.Errorf("aside: %q", got)
		}
		m.leftNothing()
	})
}

// What a mount has covered all the time is old, and is not taken for new.
func TestUnmounted(t *testing.T) {
	m := newMachine(t)
	must(t, m.tree.Unmount(bound, false))
	m.write(bound, "of the base\n")
	must(t, sys.Bind(m.tree, "/persist"+bound, m.tree, bound, nil))
	m.watch()
	must(t, m.tree.Unmount(bound, false))
	must(t, m.tree.Unmount(folder, false))
	m.until("both are mounted again", func() bool { return m.inPlace(bound) && m.inPlace(folder) })
	if got := m.read(bound); got != "kept\n" {
		t.Errorf("%q", got)
	}
}

// A directory with data that is nowhere else is never hidden.
func TestDroppedDirectory(t *testing.T) {
	m := newMachine(t)
	m.watch()
	must(t, m.tree.Unmount(folder, false))
	m.write(folder+"/new", "precious\n")
	m.until("it is told", func() bool { return strings.Contains(m.wrong(folder), "anicca apply") })
	if got := m.read(folder + "/new"); got != "precious\n" {
		t.Error(got)
	}
	must(t, os.Rename(m.path(folder+"/new"), m.path("/srv/new")))
	// Nothing tells of changes in directories: the next mount does.
	must(t, os.MkdirAll(m.path("/mnt"), 0o755))
	must(t, m.tree.Mount("x", "/mnt", "tmpfs", nil, ""))
	m.until("it is mounted again", func() bool { return m.inPlace(folder) && m.wrong(folder) == "" })
}

// What another mount hides is not made anew in that.
func TestHidden(t *testing.T) {
	m := newMachine(t)
	m.watch()
	must(t, m.tree.Mount("over", "/etc", "tmpfs", nil, ""))
	must(t, os.Mkdir(m.path("/etc/app"), 0o755))
	m.until("it is told", func() bool { return strings.Contains(m.wrong(linked), "another mount") })
	if names, err := os.ReadDir(m.path("/etc/app")); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
	must(t, m.tree.Unmount("/etc", false))
	m.until("all is well again", func() bool { return m.wrong(linked) == "" && m.wrong(bound) == "" })
}

// What is forgotten is not put back, and what is kept from now on is watched.
func TestPlanChanges(t *testing.T) {
	m := newMachine(t)
	m.watch()
	unlock, err := m.tree.Lock("/persist/.anicca/lock") // 'anicca forget' holds it
	must(t, err)
	m.replace(linked, "forgotten\n")
	must(t, m.tree.Unmount(bound, false))
	time.Sleep(quiet + 500*time.Millisecond) // it is tried, and must not be done
	if m.isLink() || m.inPlace(bound) {
		t.Error("it was healed while another held the lock")
	}
	unlock()
	m.record(usual[2], plan.Step{Kind: plan.Symlink, Path: "/etc/later"})
	m.write("/persist/etc/later", "later\n")
	must(t, m.tree.Symlink("/persist/etc/later", "/etc/later"))
	m.replace("/etc/later", "replaced\n")
	m.until("the new one is healed", func() bool { return m.read("/persist/etc/later") == "replaced\n" })
	if m.isLink() || m.read(linked) != "forgotten\n" || m.read("/persist"+linked) != "kept\n" {
		t.Errorf("what was forgotten was healed")
	}
}

// After a power cut between the two steps of putting a link back, nothing of what a program wrote is lost.
func TestLeftover(t *testing.T) {
	m := newMachine(t)
	m.write("/etc/app/.anicca-link-linked", "newest\n")
	m.watch()
	m.until("it is put aside", func() bool { return slices.Equal(m.asides(linked), []string{"newest\n"}) })
	m.end()
	m.leftNothing()
	if !m.isLink() || m.read("/persist"+linked) != "kept\n" {
		t.Errorf("%q", m.read("/persist"+linked))
	}
}

// A store that is not there is not taken for the directory in its place.
func TestStoreGone(t *testing.T) {
	m := newMachine(t, usual[0], usual[2])
	m.watch()
	must(t, m.tree.Unmount("/persist", false)) // the watcher holds nothing in it
	m.replace(linked, "precious\n")
	m.until("it is told", func() bool { return strings.Contains(strings.Join(m.lines(), "\n"), "not mounted") })
	if names, err := os.ReadDir(m.path("/persist")); err != nil || len(names) > 0 || m.read(linked) != "precious\n" {
		t.Errorf("%v, %v", names, err)
	}
	up, err := sys.OpenTree(filepath.Dir(m.dir))
	must(t, err)
	defer up.Close()
	must(t, sys.Bind(up, "store", m.tree, "/persist", nil))
	m.until("it is kept now", func() bool { return m.isLink() && m.read("/persist"+linked) == "precious\n" })
}
