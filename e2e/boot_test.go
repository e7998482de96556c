//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// TestImageBoots boots both stock machines twice, without anicca, so that a fault of the images or of the driver
// is told apart from one of anicca.
func TestImageBoots(t *testing.T) {
	for _, f := range []flavour{debian12tools, debian12dracut} {
		t.Run(f.name, func(t *testing.T) { // one after another: the times are to be compared
			begin := time.Now()
			f.system(t)
			t.Logf("image there after %s", time.Since(begin).Round(time.Second))
			begin = time.Now()
			d := newDisk(t, f, layout{fs: "btrfs"})
			t.Logf("installed on a disk in %s", time.Since(begin).Round(100*time.Millisecond))
			ids := map[string]bool{}
			for _, word := range []string{"e2e.first", "e2e.second"} {
				m := d.boot(t, word)
				m.stock(word)
				ids[m.run("cat /proc/sys/kernel/random/boot_id")] = true
				begin = time.Now()
				m.off()
				t.Logf("off after %s", time.Since(begin).Round(time.Second))
			}
			if len(ids) != 2 {
				t.Errorf("two boots have the boot ids %v", ids)
			}
			d.check(t)
		})
	}
}

// stock holds a machine, booted with a word of its own on the command line, against what an installer leaves.
func (m *machine) stock(word string) {
	m.t.Helper()
	m.want("id bird", "uid=1000(bird) gid=1000(bird) groups=1000(bird)")
	m.want("stat -c '%U:%G' /home/bird", "bird:bird")
	m.want("hostname", "birdhouse")
	kind, options, _ := strings.Cut(m.run("findmnt -no FSTYPE,OPTIONS /"), " ")
	if kind != "btrfs" || !strings.Contains(options, "subvol=/@rootfs") || !strings.HasPrefix(strings.TrimSpace(options), "rw") {
		m.t.Errorf("the root is %s with %s", kind, options)
	}
	if line := m.run("cat /proc/cmdline"); !strings.Contains(line, word) {
		m.t.Errorf("%s is not in the kernel command line: %s", word, line)
	}
	m.want("ls -d /etc/anicca /persist /usr/local/bin/anicca 2>/dev/null | wc -l", "0")
	m.want("systemctl --failed --no-legend", "")
	// Both streams and the exit code come back, and any bytes go in.
	if out, code := m.try("echo out; echo err >&2; exit 7"); out != "out\nerr" || code != 7 {
		m.t.Errorf("the agent says %q, exit %d", out, code)
	}
	m.write("/tmp/bytes", "\x00\xff\n\r\x04", 0o640)
	m.want("stat -c '%s %a' /tmp/bytes; od -An -tx1 /tmp/bytes", "5 640\n 00 ff 0a 0d 04")
}
