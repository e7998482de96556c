package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"anicca/internal/changes"
	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/nstest"
	"anicca/internal/review"
	"anicca/internal/sys"
	"anicca/internal/ui"
)

// packager makes packages and installs them into a root, with the real program.
type packager struct {
	needs   string // a program
	build   func(t *testing.T, dir, name, version string, files map[string]string) string
	install func(root, p string) []string
	remove  func(root, name string) []string
	prepare []string // directories
}

var packagers = map[string]packager{
	"dpkg": {
		needs: "dpkg-deb",
		build: func(t *testing.T, dir, name, version string, files map[string]string) string {
			at := filepath.Join(dir, name+version)
			conffiles := ""
			for p, text := range files {
				put(t, at, p, text)
				if strings.HasPrefix(p, "/etc/") {
					conffiles += p + "\n"
				}
			}
			put(t, at, "DEBIAN/control", fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n", name, version))
			put(t, at, "DEBIAN/conffiles", conffiles)
			run(t, "dpkg-deb", "--root-owner-group", "-b", at, at+".deb")
			return at + ".deb"
		},
		install: func(root, p string) []string { return []string{"dpkg", "--root=" + root, "--force-all", "-i", p} },
		remove:  func(root, name string) []string { return []string{"dpkg", "--root=" + root, "--force-all", "-P", name} },
		prepare: []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log"},
	},
	"rpm": {
		needs: "rpmbuild",
		build: func(t *testing.T, dir, name, version string, files map[string]string) string {
			at, list := filepath.Join(dir, name+version), ""
			for p, text := range files {
				put(t, at, p, text)
				if strings.HasPrefix(p, "/etc/") {
					p = "%config(noreplace) " + p
				}
				list += p + "\n"
			}
			put(t, dir, name+".spec", fmt.Sprintf("Name: %s\nVersion: %s\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%%description\nx\n"+
				"%%install\ncp -a %s/. %%{buildroot}\n%%files\n%%defattr(-,root,root)\n%s", name, version, at, list))
			run(t, "rpmbuild", "-bb", "-D_topdir "+dir+"/top", "-D_rpmdir "+dir, filepath.Join(dir, name+".spec"))
			return filepath.Join(dir, "noarch", name+"-"+version+"-1.noarch.rpm")
		},
		install: func(root, p string) []string { return []string{"rpm", "--root=" + root, "--nodeps", "-U", p} },
		remove:  func(root, name string) []string { return []string{"rpm", "--root=" + root, "--nodeps", "-e", name} },
		prepare: []string{"var/lib/rpm", "usr/lib/sysimage/rpm", "var/lib/dpkg"},
	},
	"pacman": {
		needs: "pacman",
		build: func(t *testing.T, dir, name, version string, files map[string]string) string {
			at := filepath.Join(dir, name+version)
			info := fmt.Sprintf("pkgname = %s\npkgver = %s-1\npkgdesc = x\nurl = x\nbuilddate = 1\npackager = x\nsize = 1\narch = any\n", name, version)
			for p, text := range files {
				put(t, at, p, text)
				if strings.HasPrefix(p, "/etc/") {
					info += "backup = " + p[1:] + "\n"
				}
			}
			put(t, at, ".PKGINFO", info)
			p := filepath.Join(dir, name+"-"+version+"-1-any.pkg.tar")
			run(t, "sh", "-c", `cd "$1" && tar --owner=0 --group=0 -cf "$2" .PKGINFO $(ls)`, "sh", at, p)
			return p
		},
		install: func(root, p string) []string { return pacman(root, "-U", p) },
		remove:  func(root, name string) []string { return pacman(root, "-Rdd", "--nosave", name) },
		prepare: []string{"var/lib/pacman/local", "var/cache/pacman/pkg", "var/log", "etc", "var/lib/dpkg"},
	},
}

func pacman(root string, args ...string) []string {
	return append([]string{
		"pacman", "--root", root, "--dbpath", root + "/var/lib/pacman", "--cachedir", root + "/var/cache/pacman/pkg", "--hookdir", "/nonexistent",
		"--config", "/dev/null", "--logfile", root + "/var/log/pacman.log", "--noconfirm",
	}, args...)
}

func put(t *testing.T, root, p, text string) {
	t.Helper()
	p = filepath.Join(root, p)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// A real package manager installs, upgrades and removes packages since the base was made: each is a line, with all that came with it, and
// what somebody edited is a line of its own.
func TestPackages(t *testing.T) {
	nstest.Need(t)
	for name, p := range packagers {
		t.Run(name, func(t *testing.T) {
			if _, err := exec.LookPath(p.needs); err != nil {
				t.Skipf("needs %s", p.needs)
			}
			work, err := sys.OpenTree(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			defer work.Close()
			build := func(name, version string, files map[string]string) string {
				return p.build(t, work.Path("build"), name, version, files)
			}
			root := work.Path("root")
			t.Setenv("HOME", work.Path("home")) // Debian's rpm has its database in the home, others in the system
			put(t, work.Path("home"), ".rpmmacros", "%_dbpath /var/lib/rpm\n")
			for _, d := range p.prepare {
				if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			put(t, root, "var/lib/dpkg/status", "")
			do := func(command []string) { t.Helper(); run(t, command[0], command[1:]...) }
			do(p.install(root, build("stays", "1", map[string]string{"/usr/bin/stays": "1", "/etc/stays.conf": "1\n"})))
			do(p.install(root, build("grows", "1", map[string]string{"/usr/bin/grows": "1", "/usr/share/grows/old": "1", "/etc/grows.conf": "1\n"})))
			do(p.install(root, build("goes", "1", map[string]string{"/usr/bin/goes": "1", "/usr/share/goes/a": "1", "/etc/goes.conf": "1\n"})))
			if err := sys.Copy(work, "root", work, "base"); err != nil {
				t.Fatal(err)
			}
			do(p.install(root, build("hello", "1", map[string]string{
				"/usr/bin/hello": "1", "/usr/share/hello/a": "1", "/usr/share/hello/b": "1", "/etc/hello.conf": "1\n", "/etc/hello-mine.conf": "1\n",
			})))
			do(p.install(root, build("grows", "2", map[string]string{"/usr/bin/grows": "22", "/usr/share/grows/new": "1", "/etc/grows.conf": "2\n"})))
			do(p.remove(root, "goes"))
			put(t, root, "/etc/hello-mine.conf", "edited\n")
			put(t, root, "/etc/stays.conf", "edited\n")
			put(t, root, "/usr/bin/mine", "1")

			run(t, "mount", "--bind", work.Path("base"), work.Path("base"))
			defer run(t, "umount", "-l", work.Path("base"))
			run(t, "mount", "-o", "remount,ro,bind", work.Path("base")) // as bases are
			base, err := work.Sub("base")
			if err != nil {
				t.Fatal(err)
			}
			defer base.Close()
			running, err := work.Sub("root")
			if err != nil {
				t.Fatal(err)
			}
			defer running.Close()
			all, err := changes.Walk(base, running, changes.Look{})
			if err != nil {
				t.Fatal(err)
			}
			users := []decl.Account{{Name: "root", Home: "/root"}}
			scale := review.NewScale(config.Presets(), users)
			scale.Tell(globals{root: root}.origins(all, base, users))
			var out bytes.Buffer
			r := review.Make(1, all, nil, scale, noise.New(config.Noise(), nil))
			ui.Review(&out, r, 0)
			var got []string
			for _, i := range r.Items {
				by := ""
				if i.Writer != nil {
					by = string(i.Writer.Kind) + " " + i.Writer.Name
				}
				got = append(got, strings.TrimSpace(i.Title()+"; "+by))
			}
			for _, want := range []string{
				"/etc/hello-mine.conf; package hello", "/etc/stays.conf; package stays", "package hello; package hello", "package grows; package grows",
				"package goes; package goes", "/usr/bin/mine;",
			} {
				if n := strings.Count("\n"+strings.Join(got, "\n")+"\n", "\n"+want+"\n"); n != 1 {
					t.Errorf("%d times %q in\n%s\n%s", n, want, strings.Join(got, "\n"), out.String())
				}
			}
			if want := len(got); want > 7 { // these, and what the package manager notes
				t.Errorf("%d lines:\n%s", want, out.String())
			}
		})
	}
}
