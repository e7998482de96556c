//go:build e2e

package e2e

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestForgetPlain is the life of a machine whose root is a plain ext4, which boots from its own disk.
func TestForgetPlain(t *testing.T) {
	t.Parallel()
	d := newDisk(t, debian13tools, layout{fs: "ext4", grub: true})
	id := d.convertPlain(t)
	d.forgetPlain(t, id)
	d.newBase(t)
	d.bootOldRoot(t)
	d.inMemory(t)
	d.kexec(t)
	d.hibernated(t)
	d.strict(t)
	d.check(t)
}

// install puts the two programs into a machine.
func (m *machine) install() {
	dir := m.t.TempDir()
	for _, p := range []string{"anicca", "anicca-init"} {
		build(m.t, dir+"/"+p, "../cmd/"+p)
		m.push(dir+"/"+p, "/usr/local/bin/"+p)
	}
}

// declare changes words of the starter declaration.
func (m *machine) declare(old, new string) {
	m.t.Helper()
	m.run("grep -qF '" + old + "' /etc/anicca/host.cue && sed -i 's|" + old + "|" + new + "|' /etc/anicca/host.cue && anicca apply --yes")
}

// convertPlain does what the guide says. What is in the root at the next shutdown becomes the base.
func (d *disk) convertPlain(t *testing.T) string {
	m := d.boot(t, "")
	m.install()
	m.run("mkdir /srv/data && echo d >/srv/data/d && chown bird:bird /srv/data; echo one >/etc/app.conf")
	m.run("fallocate -l 16M /swapfile && chmod 600 /swapfile && mkswap /swapfile && echo '/swapfile none swap sw 0 0' >>/etc/fstab")
	out := m.run("anicca init --yes")
	if !strings.Contains(out, "backend overlay") || !strings.Contains(out, d.generator) {
		t.Errorf("init:\n%s", out)
	}
	m.write("/etc/anicca/edit.cue", `persist: "/persist": {directories: "/srv/data": {}, files: "/etc/app.conf": {}}`, 0o644)
	m.run("anicca apply --yes")
	m.declare(`reset: "observe"`, `reset: "on"`)
	id := m.run("cat /etc/machine-id")
	m.off()
	return id
}

func (d *disk) forgetPlain(t *testing.T, id string) {
	for n := 1; n <= 2; n++ {
		m := d.boot(t, "")
		if s := m.clean(); s.Boot.Outcome != "done" || !s.Armed {
			t.Errorf("boot %d: %+v", n, s.Boot)
		}
		m.want("systemctl --failed --no-legend", "")
		m.lives(false, "/etc/undeclared", "/usr/local/undeclared", "/anicca")
		m.want("cat /srv/data/d /etc/app.conf; cat /etc/machine-id", "d\none\n"+id)
		m.want("stat -c %U:%G /srv/data", "bird:bird")
		m.lives(true, "/etc/issue")
		m.want("findmnt -no FSTYPE,SOURCE /", "overlay /dev/vda1")
		m.want("findmnt -no FSTYPE /boot; swapon --show=NAME --noheadings", "ext4\n/swapfile")
		m.want("findmnt -no OPTIONS /srv/data", "rw,relatime")
		if got := m.archived(); got != n {
			t.Errorf("boot %d: %d old roots", n, got)
		}
		m.run("echo x | tee /etc/undeclared /usr/local/undeclared; rm /etc/issue; echo boot >>/srv/data/d2")
		if n == 1 {
			if out := m.run("anicca review --all"); !strings.Contains(out, "/etc/undeclared") || !strings.Contains(out, "/etc/issue") || strings.Contains(out, "/srv/data") {
				t.Errorf("review:\n%s", out)
			}
			// What a kernel's installation does.
			m.run("update-initramfs -u && update-grub >/dev/null && echo built >/boot/built")
			m.run("cp /boot/grub/grub.cfg /root/grub.cfg && sed -i s/^/#/ /root/grub.cfg")
			if d.grub { // the tests' own configuration comes back
				d.keepConfig(m)
			}
		} else {
			m.want("cat /boot/built", "built")
			m.run("anicca restore /usr/local/undeclared --to /root/back && test -s /root/back")
			m.looks("/usr/local/undeclared")
		}
		m.off()
	}
}

// keepConfig writes the tests' GRUB configuration again, whose kernel command line a machine's own does not have.
func (d *disk) keepConfig(m *machine) { m.write("/boot/grub/grub.cfg", d.config, 0o644) }

// newBase makes what was installed stay.
func (d *disk) newBase(t *testing.T) {
	m := d.boot(t, "")
	m.run("echo tool >/usr/local/bin/tool")
	if out := m.run("anicca base new"); !strings.Contains(out, "base 2 at the next boot") {
		t.Errorf("base new: %s", out)
	}
	if out, _ := m.try("anicca status"); !strings.Contains(out, "at the next boot the root becomes base 2") {
		t.Errorf("status does not say it:\n%s", out)
	}
	m.off()
	for n := range 2 {
		m = d.boot(t, "")
		m.clean()
		m.want("cat /usr/local/bin/tool", "tool")
		m.lives(false, "/etc/undeclared")
		if out := m.run("anicca base"); !strings.Contains(out, "\n2 ") {
			t.Errorf("boot %d: bases: %s", n, out)
		}
		m.write("/etc/undeclared", "session", 0o644)
		m.off()
	}
}

// bootOldRoot boots an old root once, as the user says beforehand.
func (d *disk) bootOldRoot(t *testing.T) {
	m := d.boot(t, "")
	list := strings.Split(m.run("anicca archive"), "\n")
	id := strings.Fields(list[len(list)-1])[0]
	if _, code := m.try("anicca next root nonsense"); code == 0 {
		t.Error("a root that is not there can be said")
	}
	m.run("anicca next root " + id)
	m.off()
	m = d.boot(t, "")
	m.clean()
	m.want("cat /etc/undeclared", "session")
	m.off()
	m = d.boot(t, "")
	m.clean()
	m.lives(false, "/etc/undeclared")
	m.off()
}

// inMemory keeps the root in memory: an orderly shutdown archives it, a power cut loses it.
func (d *disk) inMemory(t *testing.T) {
	m := d.boot(t, "")
	m.declare(`backend: "overlay"`, `backend: "tmpfs"`)
	m.write("/etc/anicca/size.cue", `root: size: "128M"`, 0o644)
	m.run("anicca apply --yes")
	m.off()
	m = d.boot(t, "")
	s := m.clean()
	if !strings.Contains(strings.Join(s.Notes, " "), "a crash or a power cut loses") {
		t.Errorf("the weaker promise is not told: %q", s.Notes)
	}
	m.want("stat -f -c %T /run/anicca/private/ram", "tmpfs")
	m.run("echo saved >/etc/undeclared; head -c 115M /dev/zero >/var/tmp/full")
	if out, code := m.try("anicca status"); code == 0 || !strings.Contains(out, "% full (") {
		t.Errorf("a full memory: (%d)\n%s", code, out)
	}
	m.run("mkdir -p /var/lib/prometheus/node-exporter && systemctl start anicca-report")
	m.want(`awk '/^anicca_root_memory_used/ { used = $2 } /^anicca_root_memory_size/ { size = $2 } END { print (used > size * 0.8 && used <= size) }' /var/lib/prometheus/node-exporter/anicca.prom`, "1")
	m.run("rm /var/tmp/full")
	m.off()
	m = d.boot(t, "")
	m.clean()
	m.lives(false, "/etc/undeclared")
	m.want("anicca restore /etc/undeclared && cat /etc/undeclared | tail -n 1", "restored /etc/undeclared from "+m.lastOld()+"\nsaved")
	m.run("sed -i 's/.*/seven/' /etc/app.conf && printf 'secret\\nsecret\\n' | passwd bird && getent shadow bird >/persist/was")
	m.until("cmp /etc/app.conf /persist/etc/app.conf && cmp /etc/shadow /persist/etc/shadow")
	m.run("sync")
	m.cut()
	m = d.boot(t, "")
	m.clean()
	m.want("cat /etc/app.conf; getent shadow bird | cmp - /persist/was && rm /persist/was", "seven")
	m.lives(false, "/etc/undeclared")
	if out := m.run("anicca archive"); !strings.Contains(out, "was in memory and is lost") {
		t.Errorf("archive:\n%s", out)
	}
	m.run("rm /etc/anicca/size.cue")
	m.declare(`backend: "tmpfs"`, `backend: "overlay"`)
	m.write("/etc/undeclared", "x", 0o644)
	m.off()
}

func (m *machine) lastOld() string {
	m.t.Helper()
	list := strings.Split(m.run("anicca archive list"), "\n")
	return strings.Fields(list[len(list)-1])[0]
}

// kexec lets the kernel start the next one itself. That is a boot like any other, and status tells.
func (d *disk) kexec(t *testing.T) {
	m := d.boot(t, "")
	m.write("/etc/undeclared", "x", 0o644)
	before := m.archived()
	m.again("kexec -l /boot/vmlinuz-$(uname -r) --initrd=/boot/initrd.img-$(uname -r) --reuse-cmdline && systemctl kexec --no-block")
	if s := m.clean(); !strings.Contains(strings.Join(s.Notes, " "), "kexec") || s.Boot.Outcome != "done" {
		t.Errorf("after kexec: %+v", s)
	}
	m.lives(false, "/etc/undeclared")
	if got := m.archived(); got != before+1 {
		t.Errorf("after kexec: %d old roots, want %d", got, before+1)
	}
	m.write("/etc/undeclared", "x", 0o644)
	m.off()
}

// hibernated boots while a swap device holds the image of a hibernated system.
func (d *disk) hibernated(t *testing.T) {
	swap := t.TempDir() + "/swap"
	page := make([]byte, 1<<20)
	copy(page[4096-10:], "S1SUSPEND\x00")
	if err := os.WriteFile(swap, page, 0o600); err != nil {
		t.Fatal(err)
	}
	d.drives = []string{swap}
	m := d.boot(t, "")
	s := m.status()
	if s.OK || s.Boot.Outcome != "refused" || !strings.Contains(strings.Join(s.Problems, " "), "the image of a hibernated system on /dev/vdb") {
		t.Errorf("with a hibernation image: %+v", s)
	}
	m.lives(true, "/etc/undeclared") // the root is as it was
	m.want("cat /srv/data/d", "d")   // and kept state is in place
	m.off()
	d.drives = nil
}

// strict stops the machine rather than booting it with something wrong, here without its store.
func (d *disk) strict(t *testing.T) {
	m := d.boot(t, "")
	m.clean()
	m.write("/etc/anicca/strict.cue", "root: strict: true", 0o644)
	m.run("anicca apply --yes")
	m.off()
	d.top(t, func(top string) { run(t, "mv", top+"/anicca/base", top+"/anicca/gone") })
	m = d.power(t, "")
	m.wait("root.strict is declared")
	<-m.exited // panic=-1 on the command line: it reboots, which the emulator takes for its end
	d.top(t, func(top string) { run(t, "mv", top+"/anicca/gone", top+"/anicca/base") })
	m = d.boot(t, "")
	m.clean()
	var record struct{ Steps []struct{ Name string } }
	if err := json.Unmarshal([]byte(m.run("cat /run/anicca/boot.json")), &record); err != nil || len(record.Steps) < 4 {
		t.Errorf("record: %v, %+v", err, record)
	}
	m.off()
}
