package trial

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"anicca/internal/nstest"
	"anicca/internal/review"
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 5 && os.Args[1] == "try":
		os.Exit(Part(os.Args[3], os.Args[5], os.Args[7:]))
	case len(os.Args) > 2 && os.Args[1] == "dial":
		if _, err := net.Dial("unix", os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case len(os.Args) > 3 && os.Args[1] == "run":
		r, err := Run(Spec{Command: []string{"/bin/sh", "-c", os.Args[3]}, Dir: "/", Scratch: os.Args[2]})
		if err != nil || r.Left != "" || r.Code != 0 {
			fmt.Fprintln(os.Stderr, r, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	nstest.Apart()
	os.Exit(m.Run())
}

// try runs a script in a copy of all of this machine. What it writes to its standard output is in the answer.
func try(t *testing.T, script string, change ...func(*Spec)) (*Result, string) {
	t.Helper()
	needRoot(t)
	temp = nstest.Memory(t)
	s := Spec{Command: []string{"/bin/sh", "-c", script}, Dir: "/"}
	for _, f := range change {
		f(&s)
	}
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	must(t, err)
	defer out.Close()
	old := os.Stdout
	os.Stdout = out
	r, err := Run(s)
	os.Stdout = old
	must(t, err)
	text, err := os.ReadFile(out.Name())
	must(t, err)
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("was left behind: %v %v", left, err)
	}
	return r, string(text)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root: copies the whole root")
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// listing is all that lies in a directory, with content, owner, mode and times.
func listing(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", `cd "$1" && find . -printf '%p %y %m %U %G %s %T@ %C@ %n %l\n' | sort && find . -type f -exec sha256sum {} + | sort`, "sh", dir).CombinedOutput()
	if err != nil {
		t.Fatal(err, string(out))
	}
	return string(out)
}

// trees are two filesystems with files of many kinds in them.
func trees(t *testing.T) (a, b string) {
	t.Helper()
	a, b = nstest.Image(t, "ext4"), nstest.Image(t, "xfs")
	for _, d := range []string{a, b} {
		run(t, fmt.Sprintf(`cd %s && rm -rf lost+found && mkdir -p deep/er .hidden && echo one >one && echo two >deep/two && ln one link && ln -s deep/two sym &&
			mkfifo fifo && chmod 4711 deep/two && chown 7:8 one && echo three >deep/er/three && echo 4 >'na me'`, d))
	}
	return a, b
}

func run(t *testing.T, script string) {
	t.Helper()
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// told are the changes below a directory, one a word.
func told(r *Result, below string) []string {
	var out []string
	for _, c := range r.Changes {
		if p, ok := strings.CutPrefix(c.Path, below); ok {
			w := string(c.What[0]) + " " + p
			if c.What == review.Modified {
				w += " " + c.Differs.String()
			}
			out = append(out, w)
		}
	}
	return out
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("is told:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Whatever a command does to files, none of the real ones is touched, and each change is told.
func TestNothingIsTouched(t *testing.T) {
	a, b := trees(t)
	before := listing(t, a) + listing(t, b)
	for name, c := range map[string]struct {
		script string
		a, b   []string
	}{
		"remove all":  {"rm -rf %[1]s/* %[1]s/.hidden", []string{"d /.hidden", "d /deep", "d /fifo", "d /link", "d /na me", "d /one", "d /sym"}, nil},
		"modes":       {"chmod -R 777 %[1]s/deep; chown 1:2 %[2]s/one", []string{"m /deep mode", "m /deep/er mode", "m /deep/er/three mode", "m /deep/two mode"}, []string{"m /one owner"}},
		"itself":      {"chmod 700 %[1]s", []string{"m  mode"}, nil},
		"move across": {"mv %[1]s/deep %[2]s/moved", []string{"d /deep"}, []string{"a /moved"}},
		"move within": {"mv %[1]s/deep %[1]s/moved; mkdir %[1]s/deep", []string{"d /deep/er", "d /deep/two", "a /moved"}, nil},
		"link":        {"ln %[1]s/one %[1]s/new; ln %[1]s/one %[2]s/new 2>/dev/null", []string{"a /new"}, nil},
		"write":       {"echo more >>%[1]s/one; echo x >%[2]s/sym; : >%[2]s/one", []string{"m /one content"}, []string{"m /deep/two content", "m /one content"}},
		"times only":  {"touch %[1]s/one %[1]s/deep; cat %[2]s/one >%[2]s/t; cat %[2]s/t >%[2]s/one; rm %[2]s/t", nil, nil},
		"other type":  {"rm %[1]s/one; mkdir %[1]s/one; rm -r %[2]s/deep; ln -s / %[2]s/deep", []string{"m /one type"}, []string{"m /deep type"}},
		"devices":     {"mknod %[1]s/disk b 8 0; mkfifo %[2]s/pipe", []string{"a /disk"}, []string{"a /pipe"}},
		"immutable":   {"touch %[2]s/i; chattr +i %[2]s/i 2>/dev/null", nil, []string{"a /i"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := try(t, fmt.Sprintf(c.script, a, b))
			equal(t, told(r, a), c.a...)
			equal(t, told(r, b), c.b...)
			if listing(t, a)+listing(t, b) != before {
				t.Error("the real files have changed")
			}
		})
	}
}

// In the root itself, too.
func TestRootIsCopied(t *testing.T) {
	r, out := try(t, `echo typed >/etc/anicca-try-test; rm -rf /usr/share/doc /etc/passwd; cat /etc/anicca-try-test; ls /usr/share`)
	if !strings.HasPrefix(out, "typed\n") || slices.Contains(strings.Fields(out), "doc") {
		t.Error("the command does not see what it has done:", out)
	}
	if _, err := os.Stat("/etc/anicca-try-test"); err == nil {
		t.Error("the real root was written")
	}
	if _, err := os.Stat("/etc/passwd"); err != nil {
		t.Fatal(err)
	}
	equal(t, told(r, "/etc"), "a /anicca-try-test", "d /passwd")
	equal(t, told(r, "/usr/share/doc"), "d ")
}

// Where systemd runs, /run is a filesystem of its own, and a package must not believe that it can be asked to start something.
func TestSystemdIsNotSeen(t *testing.T) {
	needRoot(t)
	run(t, "mount -t tmpfs -o mode=0755 none /run && mkdir -p /run/anicca /run/systemd/system/x.d /run/systemd/units")
	t.Cleanup(func() { run(t, "umount /run") })
	r, out := try(t, "test ! -e /run/systemd/system && test -d /run/systemd/units && echo not seen")
	if r.Code != 0 || out != "not seen\n" {
		t.Errorf("exit code %d, %q", r.Code, out)
	}
	run(t, "test -d /run/systemd/system/x.d")
}

// Neither what is below the copy nor the machine can be reached by accident.
func TestOutOfReach(t *testing.T) {
	a, b := trees(t)
	before := listing(t, a)
	for _, script := range []string{
		"umount " + a, "umount -l " + a, "mount -o remount,rw /", "mount --move " + a + " /mnt", "mount -t tmpfs none /mnt",
		"mount --bind / /mnt", "test -b /dev/sda || test -b /dev/vda || test -e /dev/loop0 || test -e /dev/mem",
		"echo 1 >/proc/sys/vm/drop_caches", "echo h >/proc/sysrq-trigger", "echo 1 >/sys/kernel/mm/ksm/run", "date -s '2001-01-01 00:00'",
		"mknod /d b 7 0 && head -c1 /d", "kill -0 " + fmt.Sprint(os.Getpid()), "ip link add anicca-try type dummy",
		"test -e /run/systemd/system",
	} {
		r, _ := try(t, "("+script+") 2>/dev/null && exit 0; exit 99")
		if r.Code != 99 {
			t.Errorf("%s: exit code %d", script, r.Code)
		}
	}
	for _, scratch := range []string{"", b} { // where scratch lies, the copy is in pieces
		for _, dir := range []string{"/dev", b, "/"} {
			r, out := try(t, fmt.Sprintf("mknod %[1]s/zero-of-try c 1 5 && head -c1 %[1]s/zero-of-try 2>/dev/null || echo refused", dir), func(s *Spec) { s.Scratch = scratch })
			if r.Code != 0 || out != "refused\n" {
				t.Errorf("a device made in %s, scratch %q: exit code %d, %q", dir, scratch, r.Code, out)
			}
		}
	}
	run(t, fmt.Sprintf("mkdir -p %[1]s/chroot/proc %[1]s/chroot/dev && mount -t proc proc %[1]s/chroot/proc && mount --rbind /dev %[1]s/chroot/dev && mount --make-rprivate %[1]s/chroot/dev", b))
	t.Cleanup(func() { run(t, fmt.Sprintf("umount -R %[1]s/chroot/proc; umount -l %[1]s/chroot/dev", b)) })
	if _, out := try(t, fmt.Sprintf("cat %[1]s/chroot/proc/%[2]d/comm; head -c1 %[1]s/chroot/dev/zero || echo refused", b, os.Getpid())); out != "refused\n" {
		t.Errorf("a chroot shows what is real: %q", out)
	}
	r, _ := try(t, "ls -d /proc/1/root/"+a+"/one /proc/1/cwd/; exit 5")
	if r.Code != 5 || listing(t, a) != before {
		t.Error("the real files have changed")
	}
}

// The host name of the machine stays, whatever the command gives itself; so does its time zone of messages: what is told apart is told by
// its own namespaces.
func TestExitCodes(t *testing.T) {
	for script, want := range map[string]int{
		"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143, "kill -9 $$": 137, "exec /nowhere/to/be/found": 127, "exit 125": 125,
	} {
		if r, _ := try(t, script+" 2>/dev/null"); r.Code != want {
			t.Errorf("%s: exit code %d, want %d", script, r.Code, want)
		}
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "text"), []byte("exit 9\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "script"), []byte("exit 9\n"), 0o755))
	for name, want := range map[string]int{"text": NotStarted, "script": 9, "none": NotFound} {
		r, _ := try(t, "", func(s *Spec) { s.Command, s.Dir = []string{"./" + name}, dir })
		if r.Code != want {
			t.Errorf("%s: exit code %d, want %d", name, r.Code, want)
		}
	}
}

// A command is run as it was written: with names of any bytes, and as long as the kernel takes it.
func TestAnyWords(t *testing.T) {
	const odd = "caf\xe9"
	dir := filepath.Join(t.TempDir(), odd)
	must(t, os.Mkdir(dir, 0o755))
	words := append([]string{"/bin/sh", "-c", `printf '%s %s ' "$1" $#; basename "$PWD"`, "sh", odd}, slices.Repeat([]string{"words"}, 40000)...)
	if r, out := try(t, "", func(s *Spec) { s.Command, s.Dir = words, dir }); r.Code != 0 || out != odd+" 40001 "+odd+"\n" {
		t.Errorf("exit code %d, %q", r.Code, out)
	}
}

// A program of the current directory is found where PATH says so.
func TestPathOfHere(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "tool-of-here"), []byte("#!/bin/sh\necho found\n"), 0o755))
	t.Setenv("PATH", ".:"+os.Getenv("PATH"))
	if _, out := try(t, "", func(s *Spec) { s.Command, s.Dir = []string{"tool-of-here"}, dir }); out != "found\n" {
		t.Errorf("%q", out)
	}
}

// What the command has left running ends with it.
func TestNothingRunsOn(t *testing.T) {
	const mark = "86421.97531"
	r, out := try(t, "setsid sleep "+mark+" & setsid setsid sleep "+mark+" & sleep 0.2; pgrep -fc 'sleep "+mark+"'; exit 3")
	if r.Code != 3 || strings.TrimSpace(out) == "0" {
		t.Fatal(r.Code, out)
	}
	if out, err := exec.Command("pgrep", "-fx", "sleep "+mark).CombinedOutput(); err == nil {
		t.Errorf("still runs: %s", out)
	}
}

// Programs that run cannot be asked for anything by their sockets, unless that was wanted.
func TestSockets(t *testing.T) {
	a, _ := trees(t)
	self, err := os.Executable()
	must(t, err)
	for _, at := range []string{"/run/anicca/test.sock", filepath.Join(a, "sock")} {
		l, err := net.Listen("unix", at)
		must(t, err)
		dial := func(s *Spec) { s.Command = []string{self, "dial", at} }
		if r, _ := try(t, "", dial); r.Code != 1 {
			t.Errorf("%s: exit code %d", at, r.Code)
		}
		if r, _ := try(t, "", dial, func(s *Spec) { s.Real = []string{at} }); r.Code != 0 {
			t.Errorf("%s, real: exit code %d", at, r.Code)
		}
		must(t, l.Close())
	}
}

// A file that is mounted on its own is copied, and what cannot be is read-only, and told.
func TestOddMounts(t *testing.T) {
	a, b := trees(t)
	run(t, fmt.Sprintf("mkdir %[2]s/ro && touch %[2]s/file %[2]s/rofile && mount --bind %[1]s/one %[2]s/file && mount --bind %[1]s %[2]s/ro && mount -o remount,bind,ro %[2]s/ro", a, b))
	t.Cleanup(func() { run(t, fmt.Sprintf("umount %[1]s/file %[1]s/ro", b)) })
	before := listing(t, a) + listing(t, b)
	r, out := try(t, fmt.Sprintf("cat %[1]s/file; echo more >>%[1]s/file; cat %[1]s/file; touch %[1]s/ro/new || echo refused", b))
	if out != "one\none\nmore\nrefused\n" {
		t.Errorf("%q", out)
	}
	equal(t, told(r, b), "m /file content")
	if listing(t, a)+listing(t, b) != before {
		t.Error("the real files have changed")
	}
	how := map[string]How{}
	for _, tree := range r.Trees {
		how[tree.Path] = tree.How
	}
	if how[b+"/ro"] != ReadOnly || how[b+"/file"] != Copied || how[b] != Copied || how["/"] != Copied {
		t.Errorf("%v", how)
	}
}

// A filesystem that no overlay can lie over is read-only, and told: the kernel lays them two deep.
func TestNoOverlayOverIt(t *testing.T) {
	a, _ := trees(t)
	dir := nstest.Memory(t)
	run(t, fmt.Sprintf(`cd %s && mkdir u1 w1 m1 u2 w2 m2 && mount -t overlay -o lowerdir=%s,upperdir=u1,workdir=w1 o m1 && mount -t overlay -o lowerdir=m1,upperdir=u2,workdir=w2 o m2`, dir, a))
	t.Cleanup(func() { run(t, fmt.Sprintf("umount %[1]s/m2 %[1]s/m1", dir)) })
	r, out := try(t, fmt.Sprintf("rm %[1]s/m1/one; rm %[1]s/m2/one 2>&1; cat %[1]s/m2/one", dir))
	if !strings.Contains(out, "Read-only file system\none\n") {
		t.Error(out)
	}
	equal(t, told(r, dir+"/m1"), "d /one")
	equal(t, told(r, dir+"/m2"))
	i := slices.IndexFunc(r.Trees, func(tree Tree) bool { return tree.Path == dir+"/m2" })
	if i < 0 || r.Trees[i].How != ReadOnly || !strings.Contains(r.Trees[i].Why, "no overlay") {
		t.Errorf("%v", r.Trees)
	}
}

// Where what is written lies on a disk, nothing is left of it; where it lies in the way, the copy is made in pieces.
func TestScratch(t *testing.T) {
	a, b := trees(t)
	before := map[string]string{a: listing(t, a+"/deep/er"), b: listing(t, b+"/deep/er")}
	for _, scratch := range []string{a, filepath.Join(b, "deep")} {
		var room []string
		r, out := try(t, fmt.Sprintf("echo x >%[1]s/one; rm -r %[1]s/deep/er; mkdir -m 0 %[2]s/new; echo 5 >%[2]s/deep/er/5; echo 6 >%[2]s/deep/6; chattr +i %[2]s/new; ls %[2]s/deep", a, b),
			func(s *Spec) { s.Scratch = scratch })
		for _, tree := range r.Trees {
			if tree.How == Pieces {
				room = append(room, tree.Path)
			}
		}
		if strings.Contains(out, "anicca-try") || !slices.Contains(room, filepath.Dir(scratch)) && !slices.Contains(room, scratch) {
			t.Errorf("%v is in pieces; %q is seen", room, out)
		}
		if r.Left != "" {
			t.Error(r.Left)
		}
		equal(t, told(r, b), "a /deep/6", "a /deep/er/5", "a /new")
		equal(t, told(r, a), "d /deep/er", "m /one content")
		for _, dir := range []string{a, b} {
			if listing(t, dir+"/deep/er") != before[dir] {
				t.Error("the real files have changed")
			}
			if left, err := filepath.Glob(scratch + "/anicca*"); err != nil || len(left) > 0 {
				t.Error("was left behind:", left)
			}
		}
	}
}

// A copy without room says so.
func TestFull(t *testing.T) {
	needRoot(t)
	dir := nstest.Memory(t)
	run(t, "mount -t tmpfs -o size=2m none "+dir)
	t.Cleanup(func() { run(t, "umount "+dir) })
	r, _ := try(t, "head -c 10000000 /dev/zero >/root/big 2>/dev/null", func(s *Spec) { s.Scratch = dir })
	if r.Code == 0 || !r.Full || r.Size != 2<<20 {
		t.Errorf("exit code %d, full: %v, %d", r.Code, r.Full, r.Size)
	}
	run(t, "mount -o remount,size=50m,nr_inodes=300 "+dir)
	r, _ = try(t, "i=0; while [ $i -lt 300 ]; do : >/root/file$i || exit 1; i=$((i+1)); done 2>/dev/null", func(s *Spec) { s.Scratch = dir })
	if r.Code == 0 || !r.Full || r.Size != 0 || r.Names != 300 {
		t.Errorf("many files: exit code %d, full: %v, %d, %d", r.Code, r.Full, r.Size, r.Names)
	}
}

// A package that is installed is told with all that it brings.
func TestPackage(t *testing.T) {
	if _, err := exec.LookPath("dpkg-deb"); err != nil {
		t.Skip("needs dpkg")
	}
	dir := t.TempDir()
	run(t, fmt.Sprintf(`cd %s && mkdir -p p/DEBIAN p/opt/anicca-try/bin p/etc && echo tool >p/opt/anicca-try/bin/tool && echo conf >p/etc/anicca-try.conf &&
		printf 'Package: anicca-try\nVersion: 1\nArchitecture: all\nMaintainer: bird\nDescription: bird\n' >p/DEBIAN/control &&
		printf '#!/bin/sh\necho hello >/var/lib/anicca-try\nid bird-of-try >/dev/null 2>&1 || useradd -r bird-of-try\n' >p/DEBIAN/postinst && chmod 755 p/DEBIAN/postinst &&
		dpkg-deb -b p p.deb`, dir))
	r, out := try(t, "dpkg -i "+dir+"/p.deb && dpkg -s anicca-try")
	if r.Code != 0 || !strings.Contains(out, "Status: install ok installed") {
		t.Fatal(r.Code, out)
	}
	for _, want := range []string{"/etc/anicca-try.conf", "/opt/anicca-try", "/var/lib/anicca-try", "/var/lib/dpkg/status", "/etc/passwd"} {
		if !slices.ContainsFunc(r.Changes, func(c review.Change) bool { return c.Path == want }) {
			t.Errorf("%s is not told", want)
		}
	}
	if exec.Command("dpkg", "-s", "anicca-try").Run() == nil {
		t.Error("the package is really installed")
	}
}

// Neither mode nor owner of a real device or terminal changes, though they can be written to.
func TestDevicesStay(t *testing.T) {
	needRoot(t)
	const device = "/dev/full"
	was, err := os.Stat(device)
	must(t, err)
	t.Cleanup(func() { must(t, os.Chmod(device, was.Mode().Perm())) })
	if _, out := try(t, "chmod g+x "+device+" 2>/dev/null; chmod -R g+x /dev/pts 2>/dev/null; echo x >/dev/null && echo written; echo x >"+device+" || echo full"); out != "written\nfull\n" {
		t.Errorf("%q", out)
	}
	if is, err := os.Stat(device); err != nil || is.Mode() != was.Mode() {
		t.Errorf("%s was %v, and is %v, %v", device, was.Mode(), is.Mode(), err)
	}
	if is, err := os.Stat("/dev/pts/ptmx"); err != nil || is.Mode().Perm()&0o010 != 0 {
		t.Errorf("ptmx is %v, %v", is.Mode(), err)
	}
}

// Programs can have terminals, as anybody.
func TestTerminals(t *testing.T) {
	for _, tool := range []string{"script", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("needs " + tool)
		}
	}
	for _, who := range []string{"", "setpriv --reuid 65534 --regid 65534 --clear-groups "} {
		if _, out := try(t, who+"script -qc 'tty; echo seen' /dev/null </dev/null"); !strings.Contains(out, "/pts/") || !strings.Contains(out, "seen") {
			t.Errorf("%q: %q", who, out)
		}
	}
}
