package nstest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Loop gives an image as a loop device until the test ends, or release is called. Once nothing has it open or mounted any more,
// the kernel lets go of the image by itself: also where this program is killed. More arguments are losetup's.
func Loop(t testing.TB, image string, args ...string) (device string, release func()) {
	t.Helper()
	out, err := exec.Command("losetup", append(args, "--find", "--show", image)...).CombinedOutput()
	if err != nil {
		t.Fatalf("losetup %s: %v\n%s", image, err, out)
	}
	device = strings.TrimSpace(string(out))
	open, err := os.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	release = func() { _ = open.Close() }
	t.Cleanup(release)
	// While somebody has it open, to detach it is to say that it goes with the last who has.
	if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
		t.Fatalf("losetup --detach %s: %v\n%s", device, err, out)
	}
	return device, release
}
