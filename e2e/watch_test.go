//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// until waits until a command succeeds. A machine under emulation is slow, so the limit is wide.
func (m *machine) until(command string) {
	m.t.Helper()
	var out string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
		var code int
		if out, code = m.try(command); code == 0 {
			return
		}
	}
	log, _ := m.try("journalctl -b -o cat -u anicca-watch; cat /run/anicca/watch.json")
	m.t.Errorf("did not come to be: %s\n%s\n%s", command, out, log)
}

// watched lets programs replace a link and drop a mount: both are healed, and what was written is kept, even over a power cut.
func (d *disk) watched(t *testing.T) {
	m := d.boot(t, "")
	m.clean()
	m.want("systemctl is-active anicca-watch", "active")
	m.run("sed -i 's/two/three/' /etc/app.link")
	m.until("test -L /etc/app.link")
	m.want("cat /etc/app.link /persist/etc/app.link; readlink /etc/app.link", "three\nthree\n/persist/etc/app.link")

	m.run("unshare -m sh -ec 'umount /etc/app.bind; echo four >/etc/app.new; mv /etc/app.new /etc/app.bind'")
	m.until("findmnt /etc/app.bind")
	m.want("cat /etc/app.bind /persist/etc/app.bind", "four\nfour")

	m.run("sed -i 's/.*/five/' /etc/app.conf") // carried: its copy in the store follows, for backups
	m.until("grep -x five /persist/etc/app.conf")
	if out, _ := m.try("anicca status"); !strings.Contains(out, "/etc/app.link") || !strings.Contains(out, "/etc/app.bind") {
		t.Errorf("status does not say what was mended:\n%s", out)
	}
	m.clean()
	m.run("sync")
	m.cut()
	m = d.boot(t, "")
	m.clean()
	m.want("cat /etc/app.link /etc/app.bind /etc/app.conf; readlink /etc/app.link; findmnt -no TARGET /etc/app.bind",
		"three\nfour\nfive\n/persist/etc/app.link\n/etc/app.bind")
	// Just before the end of the session nobody has seen it yet.
	m.run("sed -i 's/three/six/' /etc/app.link")
	m.off()
	m = d.boot(t, "")
	m.clean()
	m.want("cat /etc/app.link; readlink /etc/app.link", "six\n/persist/etc/app.link")
	m.off()
}
