package root

import (
	"strings"
	"testing"
)

func TestBootDataset(t *testing.T) {
	pools := ReadPools("tank\t77\t-\nrpool\t42\trpool/ROOT/debian\n")
	for arg, want := range map[string]string{
		"ZFS=rpool/ROOT/debian":        "rpool/ROOT/debian",
		"zfs:rpool/ROOT/debian":        "rpool/ROOT/debian",
		"zfs:ZFS=rpool/ROOT/debian":    "rpool/ROOT/debian",
		"ZFS=42/ROOT/debian":           "rpool/ROOT/debian",
		"zfs:AUTO":                     "rpool/ROOT/debian",
		"zfs:":                         "rpool/ROOT/debian",
		"zfs":                          "rpool/ROOT/debian",
		"ZFS=tank":                     "tank",
		"ZFS=rpool/ROOT/debian@monday": "rpool/ROOT/debian@monday",
	} {
		if got, err := BootDataset(arg, pools); err != nil || got != want || !IsDataset(arg) {
			t.Errorf("root=%s: %q, %v, want %q", arg, got, err, want)
		}
	}
	if _, err := BootDataset("ZFS=other/ROOT", pools); err == nil || !strings.Contains(err.Error(), "not imported") {
		t.Errorf("a pool that is not there: %v", err)
	}
	if _, err := BootDataset("zfs:AUTO", pools[:1]); err == nil || !strings.Contains(err.Error(), "bootfs") {
		t.Errorf("no bootfs: %v", err)
	}
	for _, arg := range []string{"", "UUID=1234", "/dev/sda1", "LABEL=zfs"} {
		if IsDataset(arg) {
			t.Errorf("root=%s is taken for ZFS", arg)
		}
	}
}
