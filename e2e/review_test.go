//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// reviewed asks what the next reset would drop, keeps some of it, lets go of the rest, and looks what came of it.
func (d *disk) reviewed(t *testing.T) {
	m := d.boot(t, "")
	m.clean()
	m.run("mkdir -p /var/lib/bluetooth/AA && echo key >/var/lib/bluetooth/AA/info && chmod 600 /var/lib/bluetooth/AA/info")
	m.run("runuser -u bird -- sh -c 'echo letter >/home/bird/letter.odt; echo draft >/home/bird/draft.odt'; chmod 640 /home/bird/draft.odt")
	m.run("echo mine >>/etc/issue; rm /etc/issue.net; touch /etc/ld.so.cache; echo x >/var/lib/undeclared")
	out := m.run("anicca review")
	last := 0
	for _, want := range []string{"/var/lib/bluetooth", "/home/bird/letter.odt", "/etc/issue ", "/var/lib/undeclared"} {
		at := strings.Index(out, want)
		if at < last {
			t.Errorf("%q is not where it should be:\n%s", want, out)
			break
		}
		last = at
	}
	for _, want := range []string{"credentials", "bluetooth\n", "/etc/issue.net", "/home/bird/draft.odt"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "/persist") || strings.Contains(out, "/srv/data") || strings.Contains(out, "ld.so.cache") {
		t.Errorf("what is kept, or noise, is in\n%s", out)
	}
	if _, code := m.try("anicca review --quiet"); code != 4 {
		t.Errorf("review --quiet: exit code %d, want 4", code)
	}
	m.reported(t)
	m.run("anicca keep --yes /home/bird/letter.odt")
	if out := m.run("anicca review"); strings.Contains(out, "letter.odt") || !strings.Contains(out, "draft.odt") {
		t.Errorf("after keep:\n%s", out)
	}
	was := m.run("stat -c '%U:%G %a' /home/bird/draft.odt")
	m.off()
	m = d.boot(t, "")
	m.clean()
	m.want("cat /home/bird/letter.odt", "letter")
	m.lives(false, "/home/bird/draft.odt", "/var/lib/bluetooth/AA", "/var/lib/undeclared")
	m.lives(true, "/etc/issue.net")
	m.run("anicca restore /home/bird/draft.odt")
	m.want("cat /home/bird/draft.odt; stat -c '%U:%G %a' /home/bird/draft.odt", "draft\n"+was)
	m.run("anicca forget --yes /home/bird/letter.odt")
	m.off()
}
