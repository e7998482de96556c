//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestForgetEncrypted is the life of a machine whose root is on an encrypted disk, with the newest initrds and systemd that
// there are here. Its user space is restarted once without the initrd.
func TestForgetEncrypted(t *testing.T) {
	t.Parallel()
	d := newDisk(t, debian13dracut, layout{fs: "btrfs", luks: true})
	id, boots := d.convert(t)
	boots = d.forgetful(t, 1, id, boots)
	d.forgetful(t, 2, id, boots)
	d.softReboot(t)
	d.cutInReset(t)
	d.check(t)
}

// softReboot restarts only the user space: nothing is reset, kept state is in place again, and status says so.
func (d *disk) softReboot(t *testing.T) {
	m := d.boot(t, "")
	m.clean()
	m.want("findmnt -no SOURCE / | cut -d[ -f1", "/dev/mapper/cryptroot")
	m.write("/etc/undeclared", "x", 0o644)
	before := m.archived()
	m.again("systemctl soft-reboot --no-block")
	s := m.clean()
	if !strings.Contains(strings.Join(s.Notes, " "), "soft-reboot") {
		t.Errorf("the soft-reboot was not noticed: %q", s.Notes)
	}
	m.lives(true, "/etc/undeclared")
	m.want("cat /srv/data/d /etc/app.conf", "d\none")
	if got := m.archived(); got != before {
		t.Errorf("%d old roots, were %d", got, before)
	}
	m.off()
}

// again gives a command by which the machine restarts its agent, and waits until that is back.
func (m *machine) again(command string) {
	m.t.Helper()
	m.id++
	if err := m.out.Encode(request{ID: m.id, Command: command}); err != nil {
		m.t.Fatal(err)
	}
	for end := time.Now().Add(bootLimit); ; {
		r, err := m.receive(time.Until(end))
		if err != nil {
			m.t.Fatalf("the machine did not come back: %v\n%s", err, tail(m.text.String()))
		}
		if r.Ready != "" {
			break
		}
	}
	_, _ = m.try("systemctl is-system-running --wait")
}
