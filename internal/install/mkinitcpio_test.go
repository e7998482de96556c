package install

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The order in which mkinitcpio reads its drop-ins is that of "sort -V".
func TestVersionOrder(t *testing.T) {
	names := []string{
		"10-a.conf", "9-b.conf", "a.conf", "Z.conf", "omarchy_hooks.conf", "zz-anicca.conf", "zzz.conf", "zz.conf", "zz-b.conf",
		"zfs.conf", "09-c.conf", "a10.conf", "a9.conf", "a-1.conf", "a_1.conf", "a1b2.conf", "a1b10.conf", "thunderbolt_module.conf",
	}
	cmd := exec.Command("sort", "-V")
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	cmd.Env = []string{"LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Fields(string(out))
	slices.SortStableFunc(names, versionOrder)
	if !slices.Equal(names, want) {
		t.Errorf("order\n%q, sort says\n%q", names, want)
	}
}
