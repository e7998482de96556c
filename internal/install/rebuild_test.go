package install

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fakes puts generators on the path that write what is said, wherever they shall, note how they were called, and end with a code.
func fakes(t *testing.T, image []byte, code int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(dir+"/new", image, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"update-initramfs", "dracut", "mkinitcpio"} {
		text := fmt.Sprintf("#!/bin/sh\necho %s \"$@\" >>%s/calls\ncp %[2]s/new %[2]s/image\necho built\nexit %d\n", name, dir, code)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

// steps does what has to be done to the images of a machine, and returns how the generator was called.
func rebuildAll(t *testing.T, g Generator, image []byte, code int) (calls string, err error) {
	t.Helper()
	dir := fakes(t, image, code)
	m := Machine{Generator: g, Images: []Image{{dir + "/image", "6.1"}, {dir + "/image", "6.2"}}, Store: "/persist"}
	r := Runner{Machine: m}
	for _, s := range Steps(m, "") {
		if s.Kind == Initrd || s.Kind == Inspect {
			if err = r.step(context.Background(), nil, "", s); err != nil {
				break
			}
		}
	}
	text, rerr := os.ReadFile(dir + "/calls")
	if rerr != nil {
		t.Fatal(rerr)
	}
	return strings.ReplaceAll(string(text), dir, ""), err
}

// A generator that says that all is well, and has put nothing in, is not believed.
func TestRebuild(t *testing.T) {
	for g, want := range map[Generator]string{
		InitramfsTools:    "update-initramfs -u -k 6.1\nupdate-initramfs -u -k 6.2\n",
		Dracut:            "dracut --force /image 6.1\ndracut --force /image 6.2\n",
		Mkinitcpio:        "mkinitcpio -P\n",
		MkinitcpioSystemd: "mkinitcpio -P\n",
	} {
		t.Run(string(g), func(t *testing.T) {
			if calls, err := rebuildAll(t, g, zipped(image(g, "")), 0); err != nil || calls != want {
				t.Errorf("%v, called\n%swant\n%s", err, calls, want)
			}
			for _, leftOut := range append([]string{"anicca-init"}, mustHold[g]...) {
				_, err := rebuildAll(t, g, zipped(image(g, leftOut)), 0)
				if err == nil || !strings.Contains(err.Error(), leftOut+" is not in it") || !strings.Contains(err.Error(), "by hand") {
					t.Errorf("without %s: %v", leftOut, err)
				}
			}
			_, err := rebuildAll(t, g, image(g, ""), 3)
			if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "built") {
				t.Errorf("a generator that fails: %v", err)
			}
		})
	}
}
