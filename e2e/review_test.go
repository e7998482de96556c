//go:build e2e

package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const (
	pairing  = "/var/lib/bluetooth/AA:BB:CC:DD:EE:FF/11:22:33:44:55:66/info"
	document = "/home/bird/thesis.odt"
)

// TestReview is a session of somebody who lets everything happen: a device is paired, a package installed, a document written, a file
// of /etc edited. The review names it all, one is kept, one ignored, the rest forgotten; and the document comes back.
func TestReview(t *testing.T) {
	t.Parallel()
	d := newDisk(t, debian12tools, layout{fs: "btrfs"})
	d.convertForReview(t)
	m := d.boot(t, "")
	m.clean()
	m.run("for n in $(seq 1200); do test ! -e /run/anicca/baseline.json || break; sleep 0.2; done; test -e /run/anicca/baseline.json || { journalctl -b -u anicca-baseline; exit 1; }")
	m.ordered()
	m.lived()
	m.reviewed()
	was := m.looksOf(document)
	m.off()
	m = d.boot(t, "")
	m.clean()
	m.forgotten()
	m.asked()
	if got := m.looksOf(document); got != was {
		t.Errorf("the document came back as\n%s\nand was\n%s", got, was)
	}
	m.clean()
	m.off()
	d.check(t)
}

func (d *disk) convertForReview(t *testing.T) {
	m := d.boot(t, "")
	m.install()
	m.run("mkdir -p /mnt/late && echo 'late /mnt/late tmpfs size=8M 0 0' >>/etc/fstab && mount /mnt/late && mkdir /srv/data")
	m.run("anicca init --yes")
	m.write("/etc/anicca/edit.cue", `persist: "/persist": directories: {"/home": enable: false, "/srv/data": {}, "/mnt/late/kept": {}}`, 0o644)
	m.declare(`reset: "observe"`, `reset: "on"`)
	m.off()
}

// ordered asks when kept things are there, which only systemd itself can answer.
func (m *machine) ordered() {
	for args, want := range map[string]string{
		"/mnt/late/kept --before ssh":                      "yes: ssh.service comes after ",
		"/mnt/late/kept --before systemd-journald.service": "no: nothing orders systemd-journald.service after anicca.service",
		"/srv/data --before systemd-journald":              "yes: it is in place in the initrd",
		"/srv/data --before no-such":                       "unknown: there is no unit no-such.service",
	} {
		if out := m.run("anicca explain " + args); !strings.Contains(out, want) {
			m.t.Errorf("explain %s: %q is not in\n%s", args, want, out)
		}
	}
}

// lived does what people and programs do.
func (m *machine) lived() {
	m.run("mkdir -p " + pairing[:strings.LastIndex(pairing, "/")] + " && echo key >" + pairing + " && chmod 600 " + pairing + " && chmod 700 /var/lib/bluetooth")

	m.push(helloBird(m.t), "/tmp/hello-bird.deb")
	m.tried()
	m.run("dpkg -i /tmp/hello-bird.deb")
	m.want("hello-bird", "tweet")

	text := make([]byte, 70000)
	for i := range text {
		text[i] = byte(i * i >> 3)
	}
	m.write(document, string(text), 0o600)
	m.run("chown bird:bird " + document)
	m.setAttr(document, "user.note", []byte("third draft"))
	// user::rw- user:daemon:r-- group::--- mask::r-- other::---, and then the mode, as nobody shall use that yet
	m.setAttr(document, "system.posix_acl_access", []byte{
		2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 1, 0, 0, 0, 4, 0, 0, 0, 255, 255, 255, 255,
		16, 0, 4, 0, 255, 255, 255, 255, 32, 0, 0, 0, 255, 255, 255, 255,
	})
	m.run("runuser -u bird -- sh -c 'echo letter >/home/bird/letter.odt'")
	m.run("chmod 600 " + document + " && touch -d '2001-02-03 04:05:06.789' " + document)

	m.run("echo mine >>/etc/issue; rm /etc/issue.net; touch /etc/ld.so.cache; echo x >/var/lib/undeclared; echo x >/var/lib/passing")
}

// tried looks first what the package would do, as root and as a user, on a machine where services run. Debian 12 has a Linux whose tmpfs takes no marks
// of a user's overlay.
func (m *machine) tried() {
	out, code := m.try("anicca try -- sh -c 'dpkg -i /tmp/hello-bird.deb && hello-bird && exit 7'")
	if code != 7 || !strings.Contains(out, "\ntweet") || !strings.Contains(out, "hello-bird") || !strings.Contains(out, "software") {
		m.t.Errorf("try as root (%d):\n%s", code, out)
	}
	out, code = m.try("cd /home/bird && runuser -u bird -- anicca try -- sh -c 'id -un; echo mine >tried; echo more >>.profile; exit 7'")
	if code != 7 || !strings.Contains(out, "bird\n") || !strings.Contains(out, "/home/bird/tried") || !strings.Contains(out, "/home/bird/.profile") {
		m.t.Errorf("try as a user (%d):\n%s", code, out)
	}
	m.lives(false, "/usr/bin/hello-bird", "/usr/share/hello-bird", "/home/bird/tried")
	m.run("! grep more /home/bird/.profile; ! dpkg -s hello-bird; test -d /run/systemd/system; ! ls -d /var/tmp/*anicca*; ! findmnt -l | grep -i scratch")
}

// helloBird builds a package.
func helloBird(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir+"/p/DEBIAN/control", "Package: hello-bird\nVersion: 1.0\nArchitecture: all\nMaintainer: Bird <bird@birdhouse>\nDescription: greets\n")
	writeFile(t, dir+"/p/DEBIAN/conffiles", "/etc/hello-bird.conf\n")
	writeFile(t, dir+"/p/etc/hello-bird.conf", "tweet\n")
	writeFile(t, dir+"/p/usr/bin/hello-bird", "#!/bin/sh\ncat /etc/hello-bird.conf\n")
	for i := range 5 {
		writeFile(t, fmt.Sprintf("%s/p/usr/share/hello-bird/%d", dir, i), strings.Repeat("tweet\n", 1000))
	}
	if err := os.Chmod(dir+"/p/usr/bin/hello-bird", 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "dpkg-deb", "--root-owner-group", "--build", dir+"/p", dir+"/hello-bird.deb")
	return dir + "/hello-bird.deb"
}

// setAttr sets an extended attribute. The machines have no program for that but perl: 188 is setxattr.
func (m *machine) setAttr(p, name string, value []byte) {
	m.run(fmt.Sprintf(`perl -e '($p,$n,$v)=@ARGV; $v=pack("H*",$v); syscall(188,$p,$n,$v,length($v),0)==0 or die "$!\n"' %s %s %s`, p, name, hex.EncodeToString(value)))
}

// looksOf is all that there is to know of a file: 191 is getxattr.
func (m *machine) looksOf(p string) string {
	m.t.Helper()
	out := m.run("stat -c '%U:%G %a %s %.Y' " + p + " && sha256sum " + p)
	for _, name := range []string{"user.note", "system.posix_acl_access"} {
		out += "\n" + m.run(fmt.Sprintf(`perl -e '($p,$n)=@ARGV; $b="\0"x1000; $r=syscall(191,$p,$n,$b,1000); $r>=0 or die "$!\n"; print unpack("H*",substr($b,0,$r))' %s %s`, p, name))
	}
	return out
}

// review is what "anicca review --json" says, as far as it is looked at.
type review struct {
	Items []struct {
		Worth, Preset string
		Changes       []struct{ Path, What string }
	}
	Noise []struct{ Path string }
}

func (m *machine) review() review {
	m.t.Helper()
	var r review
	if out := m.run("anicca review --json"); json.Unmarshal([]byte(out), &r) != nil {
		m.t.Fatalf("review --json: %s", out)
	}
	return r
}

// find returns which item has a change that is of p; -1 if none has.
func (r review) find(p string) int {
	for i, item := range r.Items {
		for _, c := range item.Changes {
			if c.Path == p || strings.HasPrefix(p, c.Path+"/") {
				return i
			}
		}
	}
	return -1
}

// reviewed asks what the next reset would drop, keeps one, and ignores another.
func (m *machine) reviewed() {
	t := m.t
	out, r := m.run("anicca review"), m.review()
	t.Logf("review:\n%s", out)
	last, above := 0, -1
	for _, want := range []struct{ path, shown, worth, preset, what string }{
		{pairing, "/var/lib/bluetooth", "credentials", "bluetooth", "added"},
		{document, document, "data", "", "added"},
		{"/etc/issue", "/etc/issue ", "config", "", "modified"},
		{"/usr/share/hello-bird/1", "software", "software", "", "added"},
		{"/var/lib/undeclared", "/var/lib/undeclared", "state", "", "added"},
	} {
		at := strings.Index(out, want.shown)
		if at < last {
			t.Errorf("%q is not where it should be:\n%s", want.shown, out)
		}
		i := r.find(want.path)
		if i <= above {
			t.Fatalf("%s is item %d, and should be below %d: %+v", want.path, i, above, r)
		}
		if got := r.Items[i]; got.Worth != want.worth || got.Preset != want.preset || got.Changes[0].What != want.what {
			t.Errorf("%s: %+v, want %+v", want.path, got, want)
		}
		last, above = at, i
	}
	for _, p := range []string{"/etc/issue.net", "/usr/bin/hello-bird", "/etc/hello-bird.conf", "/var/lib/passing"} {
		if r.find(p) < 0 {
			t.Errorf("%s is not in %+v", p, r)
		}
	}
	for _, p := range []string{"/persist", "/srv/data", "/etc/ld.so.cache"} {
		if i := r.find(p); i >= 0 {
			t.Errorf("what is kept, or noise, is in the review: %+v", r.Items[i])
		}
	}
	for _, command := range []string{"anicca review --since-boot", "runuser -u bird -- anicca review --user"} {
		if out := m.run(command); !strings.Contains(out, document) || strings.Contains(out, "/persist") {
			t.Errorf("%s:\n%s", command, out)
		}
	}
	if _, code := m.try("anicca review --quiet"); code != 4 {
		t.Errorf("review --quiet: exit code %d, want 4", code)
	}
	m.reported()
	m.run("anicca keep --yes /var/lib/bluetooth /home/bird/letter.odt")
	for _, command := range []string{"anicca review", "runuser -u bird -- anicca review --user"} {
		if out := m.run(command); strings.Contains(out, "letter.odt") || !strings.Contains(out, document) {
			t.Errorf("after keep: %s:\n%s", command, out)
		}
	}
	m.write("/etc/anicca/ignore.cue", `ignore: "/var/lib/undeclared": why: "it comes and goes"`, 0o644)
	r = m.review()
	if r.find(pairing) >= 0 || r.find("/var/lib/undeclared") >= 0 || r.find(document) < 0 || r.find("/var/lib/passing") < 0 {
		t.Errorf("after one was kept and one ignored: %+v", r)
	}
	if !slices.Contains(r.Noise, struct{ Path string }{"/var/lib/undeclared"}) {
		t.Errorf("what is ignored is not among the noise: %+v", r.Noise)
	}
	m.run("rm /tmp/hello-bird.deb; sync")
}

// forgotten looks what the reset has done.
func (m *machine) forgotten() {
	m.want("cat /home/bird/letter.odt", "letter")
	m.want("cat "+pairing+" && stat -c '%U %a' "+pairing+" /var/lib/bluetooth", "key\nroot 600\nroot 700")
	m.lives(false, document, "/var/lib/undeclared", "/var/lib/passing", "/usr/bin/hello-bird", "/usr/share/hello-bird", "/etc/hello-bird.conf")
	m.lives(true, "/etc/issue.net")
	if out, code := m.try("dpkg -s hello-bird; dpkg --audit && ! grep mine /etc/issue"); code != 0 || strings.Contains(out, "Status: install") {
		m.t.Errorf("of the package, or the edit, something is there (%d):\n%s", code, out)
	}
}

// asked lets a terminal ask for each thing, and wants nothing but the document.
func (m *machine) asked() {
	t := m.t
	out := m.run("anicca restore --last --dry-run")
	t.Logf("lost:\n%s", out)
	_, table, _ := strings.Cut(out, "WRITTEN BY\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	at := slices.IndexFunc(rows, func(row string) bool { return strings.HasPrefix(row, "data ") && strings.Contains(row, document) })
	if at < 0 || strings.Contains(table, "/var/lib/undeclared") || strings.Contains(table, "bluetooth") ||
		!strings.Contains(table, "/var/lib/passing") || !strings.Contains(table, " package hello-bird ") || strings.Contains(table, "/usr") {
		t.Fatalf("what the reset dropped:\n%s", out)
	}
	keys := strings.Repeat(`n\n`, at) + `d\ny\nq\n`
	out = m.run("printf '" + keys + "' | script -qec 'anicca restore --last --ask' /dev/null")
	if n := strings.Count(out, "restored "); n != 1 || !strings.Contains(out, "restored "+document+" from "+m.lastOld()) || !strings.Contains(out, "anicca keep PATH") {
		t.Errorf("asked one by one:\n%s", out)
	}
	m.lives(false, "/var/lib/passing", "/usr/bin/hello-bird")
	m.run("! ls /home/bird/.*anicca-*")
}
