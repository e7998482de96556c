//go:build e2e

package e2e

import (
	"strings"
	"testing"

	"anicca/internal/boot"
)

// TestVolumes resets /home, a subvolume of its own, together with the root, as far as a base has it.
func TestVolumes(t *testing.T) {
	s := newSmall(t, "btrfs")
	s.mount(func(top string) {
		run(t, "btrfs", "-q", "subvolume", "create", top+"/@home")
		writeFile(t, top+"/@home/cv", "base")
	})
	b := s.boot("", "mkdir /home && mount -t btrfs -o subvol=@home,noatime /dev/ubda /home", declare(`root: volumes: "/home": {}`),
		"echo mine >/home/letter; anicca-init finish; anicca status")
	if b.code(1) != 0 {
		t.Fatal(b.out(1))
	}
	// Its base has no /home: it is mounted, and left as it is.
	b = s.boot("", "anicca-init finish; anicca status", "cat /home/letter /home/cv", "rm /home/letter; anicca base new", "echo mine >/home/letter")
	if b.code(0) != 0 || b.out(1) != "mine\nbase" || b.code(2) != 0 {
		t.Errorf("a base without it: %s\n%s\n%s", b.out(0), b.out(1), b.out(2))
	}
	b = s.boot("", "anicca-init finish; anicca status", "cat /run/anicca/boot.json", "cat /home/letter", "cat /home/cv",
		"anicca restore /home/letter && cat /home/letter", "anicca service observe; echo more >/home/more", "stat -c %U /home")
	if r := b.record(1); r.Outcome != boot.Done || len(r.Made.Parts) != 1 || b.code(0) != 0 {
		t.Errorf("%+v\n%s", r.Made, b.out(0))
	}
	if b.code(2) == 0 || b.out(3) != "base" {
		t.Errorf("/home was not reset: %s, %s", b.out(2), b.out(3))
	}
	if out := b.out(4); !strings.HasSuffix(out, "mine") {
		t.Errorf("restore from the old /home: %s", out)
	}
	b = s.boot("anicca=observe", "anicca-init finish; anicca service observe; anicca status", "cat /persist/.anicca/observed/*", "cat /home/more")
	if out := b.out(1); !strings.Contains(out, "/home/more") || b.out(2) != "more" {
		t.Errorf("the report does not know of /home: %s\n%s", out, b.out(2))
	}
}
