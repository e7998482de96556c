package survey

import (
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

func FuzzTmpfiles(f *testing.F) {
	f.Add("d /var/lib/x 0755 root root -")
	f.Add("q+! %S/../x - - - 10d arg")
	f.Fuzz(func(t *testing.T, line string) {
		if p, ok := madeBy(line); ok && (!path.IsAbs(p) || path.Clean(p) != p) {
			t.Errorf("%q makes %q", line, p)
		}
	})
}

// Whatever stands in a unit, the directories that it names lie below /var/lib.
func FuzzUnit(f *testing.F) {
	f.Add("[Service]\nStateDirectory=a b:c %i/x \\\n d\nDynamicUser=yes\n")
	f.Add("StateDirectory=../../etc\nStateDirectory=\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := settings{}
		if !s.read(fstest.MapFS{"u@.service": {Data: []byte(text)}}, "u@.service", "u@one.service") {
			t.Fatal("the unit was not read")
		}
		for _, d := range s["StateDirectory"] {
			if !fs.ValidPath(d) || d == "." || strings.Contains(d, "%") {
				t.Errorf("%q names %q", text, d)
			}
		}
	})
}

func FuzzPackages(f *testing.F) {
	f.Add("Package: a\nStatus: install ok installed\nConffiles:\n /etc/a 0123456789abcdef0123456789abcdef\n\n", "%FILES%\netc/\n\n%BACKUP%\netc/a\t0123456789abcdef0123456789abcdef\n")
	f.Fuzz(func(t *testing.T, status, files string) {
		r := reader{m: &Machine{}, fs: fstest.MapFS{
			"var/lib/dpkg/status":              {Data: []byte(status)},
			"var/lib/pacman/local/a-1-1/files": {Data: []byte(files)},
		}}
		if r.packages() != nil {
			return // a line longer than any
		}
		r.changed()
		for _, c := range r.m.Changed {
			t.Errorf("%s is changed, on a machine that has no such file", c.Path)
		}
	})
}

// Whatever stands in databases of packages, only what was asked for is answered, and no file is said to be as it came that is not there.
func FuzzWhose(f *testing.F) {
	f.Add("/.\n/bin/x\n/etc/x\n", "/usr/bin/x\n/usr/bin/x.orig\ny\n", "Status: install ok installed\nConffiles:\n /etc/x 0123456789abcdef0123456789abcdef\n\n",
		"%FILES%\nusr/bin/x\n\n%BACKUP%\netc/x\t0123456789abcdef0123456789abcdef\n", "P:a\nF:usr/bin\nR:x\nZ:Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
	f.Add("x\n", "", "Status: install ok installed\nConffiles:\n etc/x 0123456789abcdef0123456789abcdef\n", "", "") // without end, once
	f.Fuzz(func(t *testing.T, list, diversions, status, files, apk string) {
		q := Question{Paths: []string{"/usr/bin/x", "/etc/x", "/etc/dir"}, FS: fstest.MapFS{
			"bin":                              {Data: []byte("usr/bin"), Mode: fs.ModeSymlink},
			"var/lib/dpkg/info/a.list":         {Data: []byte(list)},
			"var/lib/dpkg/diversions":          {Data: []byte(diversions)},
			"var/lib/dpkg/status":              {Data: []byte(status)},
			"var/lib/pacman/local/a-1-1/files": {Data: []byte(files)},
			"lib/apk/db/installed":             {Data: []byte(apk)},
		}, RPM: func(base bool, _ ...string) (string, error) { return list + files, nil }}
		w, err := Ask(q)
		if err != nil {
			t.Fatal(err)
		}
		for p := range w.Packages {
			switch p {
			case "/usr", "/usr/bin", "/usr/bin/x", "/etc", "/etc/x", "/etc/dir":
			default:
				t.Errorf("nobody asked for %q", p)
			}
		}
		if len(w.Pristine) > 0 {
			t.Errorf("as they came: %v", w.Pristine)
		}
	})
}
