package boot

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"anicca/internal/sys"
)

// readCmdline returns the kernel command line.
func readCmdline() string {
	b, _ := os.ReadFile("/proc/cmdline")
	return strings.TrimSpace(string(b))
}

// argument returns the value of the last NAME= on a kernel command line.
func argument(cmdline, name string) string {
	v := ""
	for f := range strings.FieldsSeq(cmdline) {
		if s, ok := strings.CutPrefix(f, name+"="); ok {
			v = s
		}
	}
	return v
}

// Wait is how long to wait for the root's device: anicca.wait= on the kernel command line, in seconds, or else.
func Wait(els time.Duration) time.Duration {
	if n, err := strconv.Atoi(argument(readCmdline(), "anicca.wait")); err == nil && n > 0 {
		return time.Duration(n) * time.Second
	}
	return els
}

// rootDevice finds out what the initrd will mount as the root:
// from the mount unit where systemd runs the initrd, else from the kernel command line.
func rootDevice(cmdline string) (device, options string) {
	if d := bootfs(); d != "" {
		return d, ""
	}
	if sys.Program("systemctl") != "" {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if out, err := sys.Run(ctx, "systemctl", "show", "-p", "What", "-p", "Options", "sysroot.mount"); err == nil {
			for line := range strings.Lines(out) {
				line = strings.TrimSpace(line)
				if v, ok := strings.CutPrefix(line, "What="); ok {
					device = v
				} else if v, ok := strings.CutPrefix(line, "Options="); ok {
					options = v
				}
			}
			if device != "" {
				return device, options
			}
		}
	}
	return argument(cmdline, "root"), argument(cmdline, "rootflags")
}

// subvolOf returns the subvolume that mount options name.
func subvolOf(options string) string {
	for _, o := range strings.Split(options, ",") {
		if v, ok := strings.CutPrefix(o, "subvol="); ok {
			return strings.Trim(v, "/")
		}
	}
	return ""
}

// tags are the forms of root= that name a device by something else than its path, and where udev lists them.
var tags = map[string]string{
	"UUID=": "by-uuid", "LABEL=": "by-label", "PARTUUID=": "by-partuuid", "PARTLABEL=": "by-partlabel",
}

// waitFor waits until the device of a root= value is there and returns its path.
func waitFor(device string, wait time.Duration) (string, error) {
	p := device
	for tag, dir := range tags {
		if v, ok := strings.CutPrefix(device, tag); ok {
			p = "/dev/disk/" + dir + "/" + strings.Trim(v, `"`)
		}
	}
	if !strings.HasPrefix(p, "/dev/") {
		return "", fmt.Errorf("the device is not known (%q)", device)
	}
	for end := time.Now().Add(wait); ; time.Sleep(50 * time.Millisecond) {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			return real, nil
		}
		if id, ok := strings.CutPrefix(device, "UUID="); ok && !links() {
			if found := withUUID(strings.Trim(id, `"`)); found != "" {
				return found, nil
			}
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("the device %s did not appear within %s (anicca.wait=SECONDS on the kernel command line waits longer)", device, wait)
		}
	}
}

// links reports whether somebody makes the links in /dev/disk, as udev does. Before an init that follows no initrd, nobody has.
func links() bool {
	_, err := os.Stat("/dev/disk/by-uuid")
	return err == nil
}

// withUUID looks for the device of a filesystem by itself. What another device is made of, as of the members of an array,
// may look like the whole, and is passed over. It is empty if there is none, or if there are two that do not belong together.
func withUUID(id string) string {
	found, kind := "", ""
	names, _ := os.ReadDir("/sys/class/block")
	for _, n := range names {
		holders, err := os.ReadDir("/sys/class/block/" + n.Name() + "/holders")
		if err != nil || len(holders) > 0 || noImage(n.Name()) {
			continue
		}
		p := "/dev/" + strings.ReplaceAll(n.Name(), "!", "/")
		sb, err := sys.Probe(p)
		switch {
		case err != nil || sb.UUID == "" || !strings.EqualFold(sb.UUID, id):
		case found != "" && (kind != "btrfs" || sb.Type != "btrfs"):
			return ""
		default:
			found, kind = p, sb.Type
		}
	}
	return found
}

// hibernated returns the device that holds the image of a hibernated system, "" if none does.
func hibernated(cmdline string) string {
	if p, err := waitFor(argument(cmdline, "resume"), 0); err == nil {
		page, _ := strconv.ParseInt(argument(cmdline, "resume_offset"), 10, 64)
		if yes, err := sys.Hibernated(p, page); err == nil && yes {
			return p
		}
	}
	names, _ := os.ReadDir("/sys/class/block")
	for _, n := range names {
		p := "/dev/" + n.Name()
		if noImage(n.Name()) {
			continue
		}
		if yes, err := sys.Hibernated(p, 0); err == nil && yes {
			return p
		}
	}
	return ""
}

// noImage reports whether a block device cannot hold the image of a hibernated system, or is slow to say so.
func noImage(name string) bool {
	for _, prefix := range []string{"loop", "ram", "zram", "sr", "fd", "nbd", "mtdblock"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
