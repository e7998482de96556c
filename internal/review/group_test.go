package review

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"anicca/internal/config"
	"anicca/internal/decl"
)

// TestGroup is a session of the kind that a report is read for.
func TestGroup(t *testing.T) {
	s := NewScale(config.Presets(), []decl.Account{{Name: "bird", UID: 1000, Home: "/home/bird"}, {Name: "root", Home: "/root"}})
	var all []Change
	add := func(what What, size int64, paths ...string) {
		for _, p := range paths {
			all = append(all, Change{Path: p, What: what, Kind: File, Files: 1, Size: size, Modified: size})
		}
	}
	add(Added, 10, "/var/lib/bluetooth/AA/BB/info", "/var/lib/bluetooth/AA/settings", "/etc/app/tls.key")
	add(Added, 5000, "/home/bird/thesis.odt")
	add(Modified, 20, "/etc/hosts", "/etc/ssh/sshd_config")
	for i := range 9 {
		add(Added, 100, fmt.Sprintf("/usr/share/doc/hello/%d", i), fmt.Sprintf("/var/lib/app/deep/%d", i), fmt.Sprintf("/home/bird/src/project/sub/%d", i),
			fmt.Sprintf("/etc/many/%d", i))
	}
	add(Deleted, 7, "/home/bird/src/project/old", "/etc/issue", "/var/lib/app/old")
	add(Added, 1, "/home/bird/.cache/x/1", "/home/bird/.cache/x/2", "/home/bird/.cache/x/3", "/home/bird/.cache/x/4")
	add(Added, 1, "/home/bird/.config/app/tls.pem", "/home/bird/.config/app/a", "/home/bird/.config/app/b", "/home/bird/.config/app/c", "/home/bird/.config/app/d")
	Sort(all)
	var got []string
	for _, i := range s.Group(all) {
		got = append(got, fmt.Sprintf("%s %s +%d ~%d -%d %d %s", i.Worth, i.Path, i.Added, i.Modified, i.Deleted, i.Size, i.Preset))
	}
	want := []string{
		"credentials /var/lib/bluetooth +2 ~0 -0 20 bluetooth",
		"credentials /etc/app/tls.key +1 ~0 -0 10 ",
		"credentials /home/bird/.config/app/tls.pem +1 ~0 -0 1 ",
		"data /home/bird/thesis.odt +1 ~0 -0 5000 ",
		"data /home/bird/src/project +9 ~0 -1 900 ",
		"config /etc/many +9 ~0 -0 900 ",
		"config /etc/hosts +0 ~1 -0 20 ",
		"config /etc/ssh/sshd_config +0 ~1 -0 20 etc-ssh",
		"config /home/bird/.config/app +4 ~0 -0 4 ",
		"config /etc/issue +0 ~0 -1 0 ",
		"software /usr +9 ~0 -0 900 ",
		"state /var/lib/app +9 ~0 -1 900 ",
		"cache /home/bird/.cache/x +4 ~0 -0 4 ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var n int
	for _, i := range s.Group(all) {
		n += len(i.Changes)
	}
	if n != len(all) {
		t.Errorf("%d of %d changes are in the report", n, len(all))
	}
}

// TestGroupNew is a machine on which whole directories are new: they are items, whatever lies in them.
func TestGroupNew(t *testing.T) {
	s := NewScale(nil, []decl.Account{{Name: "bird", UID: 1000, Home: "/home/bird"}})
	items := s.Group([]Change{{Path: "/home/bird", What: Added, Kind: Directory, Files: 7, Size: 70}, {Path: "/opt", What: Added, Kind: Directory}})
	if len(items) != 2 || items[0].Path != "/home/bird" || items[0].Added != 7 || items[1].Path != "/opt" || items[1].Added != 1 {
		t.Errorf("%+v", items)
	}
}
