//go:build e2e

// Package e2e turns stock Debian machines into ones that forget, by the commands that a user would type,
// and looks at what they kept and lost over reboots and power cuts.
package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The user's edit of the starter declaration, as a module of its own: files merge.
const edit = `package nest

persist: "/persist": {
	directories: {
		"/home": enable: false
		"/var/lib/app": {user: "bird", group: "bird", mode: "u=rwx,g=rx,o="}
		"/srv/data": {}
		"/opt/own": {}
	}
	files: {
		"/etc/app.conf": {}
		"/etc/app.link": method: "symlink"
		"/etc/app.bind": method: "bind"
		"/etc/made-later": {}
	}
	users: bird: {
		directories: {Documents: {}, ".ssh": mode: "0700"}
		files: {".notes": {}, ".bash_history": {}}
	}
}
`

// status is what "anicca status --json" says, as far as it is looked at.
type status struct {
	OK       bool
	Armed    bool
	Boot     struct{ Outcome, Archive string }
	Problems []string
	Notes    []string
	Entries  []struct {
		Path              string
		InPlace, Verified bool
		Waiting           bool
	}
}

func (m *machine) status() status {
	m.t.Helper()
	out, _ := m.try("anicca status --json")
	var s status
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		m.t.Fatalf("%v in %s", err, out)
	}
	return s
}

// clean fails the test unless the machine says that all is well.
func (m *machine) clean() status {
	m.t.Helper()
	s := m.status()
	if out, code := m.try("anicca status"); code != 0 || !s.OK {
		record, _ := m.try("cat /run/anicca/boot.json; journalctl -b -o cat | grep -i anicca | tail -30")
		m.t.Errorf("status is not clean (%d):\n%s\n%s", code, out, record)
	}
	for _, e := range s.Entries {
		if !e.Waiting && (!e.InPlace || !e.Verified) {
			m.t.Errorf("%s: in place: %v, verified: %v", e.Path, e.InPlace, e.Verified)
		}
	}
	return s
}

// archived is the number of old roots.
func (m *machine) archived() int {
	m.t.Helper()
	return strings.Count(m.run("anicca archive"), "\n")
}

// want fails the test unless the command says so.
func (m *machine) want(command, want string) {
	m.t.Helper()
	if got, code := m.try(command); got != want || code != 0 {
		m.t.Errorf("%s\ngot:  %s (exit %d)\nwant: %s", command, got, code, want)
	}
}

// lives says whether a path is there.
func (m *machine) lives(want bool, paths ...string) {
	m.t.Helper()
	for _, p := range paths {
		if _, code := m.try("test -e " + p); (code == 0) != want {
			m.t.Errorf("%s: is there: %v, want %v", p, code == 0, want)
		}
	}
}

func TestForget(t *testing.T) {
	for f, l := range map[*flavour]layout{&debian12tools: {fs: "btrfs", grub: true}, &debian12dracut: {fs: "btrfs"}} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(t, *f, l)
			d.live(t)
		})
	}
}

// live is the life of one machine, from the installer's last reboot on.
func (d *disk) live(t *testing.T) {
	id, boots := d.convert(t)
	for n := 1; n <= 3; n++ {
		boots = d.forgetful(t, n, id, boots)
	}
	d.keepOnce(t, boots)
	if !d.grub {
		d.off1(t)
	}
	d.cutWhileWriting(t)
	d.cutInReset(t)
	d.watched(t)
	d.carried(t)
	d.check(t)
}

// convert does what the guide says: init, edit, apply. It returns the machine's id and the number of old roots.
func (d *disk) convert(t *testing.T) (string, int) {
	m := d.boot(t, "")
	m.install()
	m.run("runuser -u bird -- mkdir -p /home/bird/Documents && runuser -u bird -- sh -c 'echo cv >/home/bird/Documents/cv'")
	m.run("echo one >/etc/app.conf; chmod 640 /etc/app.conf; chown bird:bird /etc/app.conf; echo two >/etc/app.link; echo b >/etc/app.bind; echo n >/home/bird/.notes; chown bird:bird /home/bird/.notes")
	m.run("mkdir /srv/data && echo d >/srv/data/d && chmod 2775 /srv/data && chown bird:bird /srv/data")

	m.run("btrfs subvolume create /opt/own && echo x >/opt/own/x && btrfs subvolume create /opt/empty")

	if out, code := m.try("anicca init </dev/null"); code == 0 {
		t.Errorf("init asks nobody and goes on:\n%s", out)
	}
	begin := time.Now()
	out := m.run("anicca init --yes")
	t.Logf("init:\n%s", out)
	if !strings.Contains(out, d.generator) {
		t.Fatalf("init did not find %s", d.generator)
	}
	t.Logf("init took %s", time.Since(begin).Round(time.Second))
	if !strings.Contains(out, "/opt/own is a subvolume of its own") || strings.Contains(out, "/opt/empty") {
		t.Error("init does not say what the base leaves out")
	}
	m.run("anicca check")
	if s := m.status(); s.OK || s.Armed {
		t.Errorf("after init, before any boot of it: %+v", s)
	}
	m.write("/etc/anicca/edit.cue", edit, 0o644)
	if _, code := m.try("anicca apply --check"); code != 4 {
		t.Errorf("apply --check with changes: exit code %d, want 4", code)
	}
	t.Logf("apply:\n%s", m.run("anicca apply --yes"))
	if out, code := m.try("anicca apply --check"); code != 0 || !strings.Contains(out, "nothing to do") {
		t.Errorf("a second apply finds something to do (%d):\n%s", code, out)
	}
	m.want("stat -c '%U:%G %a' /var/lib/app /srv/data /etc/app.conf /home/bird/.ssh", "bird:bird 750\nbird:bird 2775\nbird:bird 640\nbird:bird 700")
	m.run(`sed -i 's/reset: "observe"/reset: "on"/' /etc/anicca/host.cue`)
	m.run("anicca apply --yes")
	d.home = m.run("stat -c %a /home/bird")
	id := m.run("cat /etc/machine-id")
	boots := m.archived()
	m.write("/etc/undeclared", "x", 0o644)
	m.off()
	return id, boots
}

// forgetful is one boot of a machine that forgets.
func (d *disk) forgetful(t *testing.T, n int, id string, boots int) int {
	m := d.boot(t, "")
	s := m.clean()
	if !s.Armed || s.Boot.Outcome != "done" {
		t.Errorf("boot %d: %+v", n, s.Boot)
	}
	m.lives(false, "/etc/undeclared", "/home/bird/undeclared", "/usr/local/undeclared", "/var/tmp/undeclared", "/etc/systemd/undeclared")
	m.want("cat /etc/machine-id", id)
	m.want("cat /etc/app.conf /etc/app.link /home/bird/.notes /srv/data/d /home/bird/Documents/cv /opt/own/x", "one\ntwo\nn\nd\ncv\nx")
	m.want("stat -c '%U:%G %a' /var/lib/app /srv/data /etc/app.conf /home/bird/.ssh /home/bird/Documents /home/bird/.notes /home/bird",
		"bird:bird 750\nbird:bird 2775\nbird:bird 640\nbird:bird 700\nbird:bird 755\nbird:bird 644\nbird:bird "+d.home)
	if out := m.run("findmnt --mtab -no OPTIONS /srv/data"); !strings.Contains(out, "x-gvfs-hide") {
		t.Errorf("hideMounts: findmnt says %s", out)
	}
	m.want("readlink /etc/app.link", "/persist/etc/app.link")
	if n > 1 {
		m.want("cat /var/lib/app/log /home/bird/Documents/log", strings.Repeat("boot\n", 2*(n-1))[:10*(n-1)-1])
		m.want("cat /etc/made-later", "later")
		m.want("stat -c '%U %a' /etc/made-later", "bird 600")
		m.lives(true, "/var/log/journal", "/persist/etc/made-later")
	}
	if now := m.archived(); now != boots+1 {
		t.Errorf("boot %d: %d old roots, want %d", n, now, boots+1)
	}
	m.run("mkdir -p /var/log/journal; runuser -u bird -- sh -c 'echo boot >>/var/lib/app/log; echo boot >>/home/bird/Documents/log'")
	m.run("test -e /etc/made-later || { echo later >/etc/made-later; chmod 600 /etc/made-later; chown bird /etc/made-later; }")
	m.run("echo x | tee /etc/undeclared /home/bird/undeclared /usr/local/undeclared /var/tmp/undeclared /etc/systemd/undeclared")
	if n == 2 {
		// What was forgotten comes back.
		m.run("anicca restore /usr/local/undeclared --to /root/back && test -s /root/back")
		m.looks("/usr/local/undeclared")
	}
	if n == 3 {
		m.run("mkdir -p /var/lib/machines && btrfs subvolume create /var/lib/machines/nested && echo x >/var/lib/machines/nested/x")
	}
	m.off()
	return boots + 1
}

// keepOnce boots with anicca=keep: the root stays as it is, this once.
func (d *disk) keepOnce(t *testing.T, boots int) {
	m := d.boot(t, "anicca=keep")
	s := m.clean()
	if s.Boot.Outcome != "kept" {
		t.Errorf("anicca=keep: %+v", s.Boot)
	}
	m.lives(true, "/etc/undeclared", "/home/bird/undeclared", "/var/lib/machines/nested/x")
	m.want("cat /etc/app.conf", "one")
	if now := m.archived(); now != boots {
		t.Errorf("anicca=keep: %d old roots, want %d", now, boots)
	}
	m.off()
	m = d.boot(t, "")
	if s := m.clean(); s.Boot.Outcome != "done" {
		t.Errorf("after anicca=keep: %+v", s.Boot)
	}
	m.lives(false, "/etc/undeclared", "/var/lib/machines/nested")
	if now := m.archived(); now != boots+1 {
		t.Errorf("after anicca=keep: %d old roots, want %d", now, boots+1)
	}
	m.off()
}

// off1 boots with anicca=off: nothing is touched, and status says so.
func (d *disk) off1(t *testing.T) {
	m := d.boot(t, "anicca=off")
	s := m.status()
	if s.OK || s.Boot.Outcome != "off" {
		t.Errorf("anicca=off: %+v", s)
	}
	if out, code := m.try("anicca status"); code == 0 || !strings.Contains(out, "anicca is off") {
		t.Errorf("anicca=off: status says (%d):\n%s", code, out)
	}
	m.off()
}

// cutWhileWriting cuts the power while programs write.
func (d *disk) cutWhileWriting(t *testing.T) {
	m := d.boot(t, "")
	before := m.archived()
	m.run("nohup sh -c 'i=0; while :; do i=$((i+1)); echo $i >>/srv/data/loop; cp /srv/data/loop /etc/undeclared-loop; sync; echo $i >/srv/data/synced; sync; done' >/dev/null 2>&1 &")
	time.Sleep(8 * time.Second)
	synced := m.run("cat /srv/data/synced")
	m.cut()
	m = d.boot(t, "")
	m.clean()
	m.lives(false, "/etc/undeclared-loop")
	// A number is written to synced only when its line in loop has reached the disk.
	if got := m.run("tail -n 1 /srv/data/loop"); number(got) < number(synced) || synced == "" {
		t.Errorf("what was synced is lost: %s, was %s", got, synced)
	}
	m.want("cat /etc/app.conf /home/bird/Documents/cv", "one\ncv")
	if now := m.archived(); now != before+1 {
		t.Errorf("after a power cut: %d old roots, want %d", now, before+1)
	}
	m.write("/etc/undeclared", "x", 0o644)
	m.off()
}

// cutInReset cuts the power when the reset says that it begins, and again in the middle of it.
func (d *disk) cutInReset(t *testing.T) {
	for _, later := range []time.Duration{0, 800 * time.Millisecond} {
		m := d.power(t, "")
		m.wait("anicca: reset begins")
		time.Sleep(later)
		m.cut()
		if strings.Contains(m.text.String(), "fresh copy of base") {
			t.Logf("the cut after %s came when the reset was done", later)
		}
	}
	m := d.boot(t, "")
	s := m.clean()
	t.Logf("after a power cut in the reset: %+v %v", s.Boot, s.Notes)
	m.lives(false, "/etc/undeclared")
	m.want("cat /etc/app.conf /home/bird/Documents/cv", "one\ncv")
	m.off()
}

func number(s string) int {
	var n int
	_, _ = fmt.Sscan(s, &n)
	return n
}
