package review

import (
	"fmt"
	"slices"
	"testing"
)

func TestClassOf(t *testing.T) {
	for p, want := range map[string]Class{
		"/etc/ssh/ssh_host_rsa_key": Credentials, "/etc/ssh/sshd_config": Configuration, "/etc": Configuration, "/etcetera": State,
		"/home/bird/.ssh/id": Credentials, "/home/bird/.sshd": Configuration, "/home/bird/cv.odt": Data, "/home/bird": Data, "/home": State,
		"/home/bird/.cache/x/y": Cache, "/home/bird/.config/fish": Configuration, "/home/bird/.local/share/keyrings/login": Credentials,
		"/root/.gnupg": Credentials, "/root/notes": Data, "/var/cache/apt": Cache, "/var/lib/foo": State, "/srv/www/index": Data, "/": State,
	} {
		if got := ClassOf(p); got != want {
			t.Errorf("%s: %s, want %s", p, got, want)
		}
	}
}

func TestMake(t *testing.T) {
	file := func(p string, what What, size int64) Change {
		return Change{Path: p, What: what, Kind: File, Files: 1, Size: size, Modified: size}
	}
	var all []Change
	for i := range 5 {
		all = append(all, file(fmt.Sprint("/etc/app/", i), Added, int64(i)))
		all = append(all, file(fmt.Sprint("/var/cache/", i), Deleted, 1000))
	}
	all = append(all, file("/etc/hosts", Modified, 7), file("/root/.ssh/id", Added, 3), file("/etc/issue", Modified, 7),
		Change{Path: "/srv/data", What: Added, Kind: Directory}, Change{Path: "/srv/more", What: Added, Kind: Directory})
	Sort(all)
	r := Make(3, all, []string{"/srv/data/kept"})
	var got []string
	for _, g := range r.Groups {
		got = append(got, fmt.Sprint(g.Class, " ", g.Path, " ", g.Added, g.Modified, g.Deleted, " ", g.Files, " ", g.Size, " ", g.Newest))
	}
	want := []string{
		"credentials /root/.ssh/id 1 0 0 1 3 3",
		"data /srv/more 1 0 0 0 0 0",
		"configuration /etc/app/ 5 0 0 5 10 4",
		"configuration /etc/hosts 0 1 0 1 7 7",
		"configuration /etc/issue 0 1 0 1 7 7",
		"cache /var/cache/ 0 0 5 5 5000 1000",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !r.Value() || Make(1, all[len(all)-5:], nil).Value() {
		t.Error("a key is of value, and a cache is not")
	}
}

func TestSort(t *testing.T) {
	all := []Change{{Path: "/a.b"}, {Path: "/a/c"}, {Path: "/b"}, {Path: "/a"}, {Path: "/a-b/x"}}
	Sort(all)
	var got []string
	for _, c := range all {
		got = append(got, c.Path)
	}
	if want := []string{"/a", "/a/c", "/a-b/x", "/a.b", "/b"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
