//go:build e2e

package e2e

import "testing"

// The stock system boots without anicca, before anything else is concluded from its boots.
func TestStock(t *testing.T) {
	for _, f := range []flavour{initramfsTools, dracut} {
		t.Run(f.name, func(t *testing.T) {
			d := newDisk(t, f)
			m := d.boot(t, "")
			if out := m.run("findmnt -no FSTYPE,OPTIONS /; id bird; ls /boot; ls /etc/ssh"); out == "" {
				t.Error("no answer")
			} else {
				t.Log(out)
			}
			m.off()
		})
	}
}
