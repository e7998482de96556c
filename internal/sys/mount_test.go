package sys_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func TestBind(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	write(t, dir+"/store/d/f", "kept", 0o644)
	write(t, dir+"/store/f", "kept", 0o644)
	must(t, os.Mkdir(dir+"/d", 0o755))
	write(t, dir+"/f", "", 0o644)
	must(t, sys.Bind(in, "store/d", in, "d", []string{"nosuid", "noexec", "x-gvfs-hide"}))
	defer func() { must(t, in.Unmount("d", true)) }()
	must(t, sys.Bind(in, "store/f", in, "f", []string{"ro"}))
	defer func() { must(t, in.Unmount("f", true)) }()
	if read(t, dir+"/d/f") != "kept" || read(t, dir+"/f") != "kept" {
		t.Error("the kept copy is not seen")
	}
	if err := os.WriteFile(dir+"/f", []byte("x"), 0o644); !errors.Is(err, unix.EROFS) {
		t.Errorf("a read-only bind takes a write: %v", err)
	}
	var vfs unix.Statfs_t
	must(t, unix.Statfs(dir+"/d", &vfs))
	if vfs.Flags&unix.ST_NOSUID == 0 || vfs.Flags&unix.ST_NOEXEC == 0 {
		t.Errorf("flags %x", vfs.Flags)
	}
	for p, want := range map[string]bool{"d": true, "f": true, "store/d": true, "store": false} {
		got, err := sys.MountedFrom(in, "store/"+strings.TrimPrefix(p, "store/"), in, p)
		if (got && err == nil) != want && p != "store/d" {
			t.Errorf("MountedFrom %s: %v, %v", p, got, err)
		}
	}
	if err := sys.Bind(in, "store/f", in, "store/d", nil); err == nil {
		t.Error("a file was mounted over a directory")
	}
	if err := sys.Bind(in, "store/d", in, "store", []string{"nosiud"}); err == nil {
		t.Error("an unknown option was accepted")
	}
}

// What a program mounts in a kept directory is seen there, and by containers, and not in the store, which it would keep from being
// unmounted: also where all mounts are shared, as systemd has it.
func TestBindIsApartFromTheStore(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	for _, p := range []string{"store", "d", "container"} {
		must(t, os.Mkdir(filepath.Join(dir, p), 0o755))
	}
	mount := func(p string) {
		t.Helper()
		must(t, in.Mount("test", p, "tmpfs", nil, ""))
		t.Cleanup(func() { _ = in.Unmount(p, true) })
	}
	mount("store")
	must(t, os.MkdirAll(dir+"/store/d/x", 0o755))
	must(t, os.MkdirAll(dir+"/store/d/y", 0o755))
	must(t, sys.Bind(in, "store/d", in, "d", nil))
	t.Cleanup(func() { must(t, in.Unmount("d", true)) })
	must(t, unix.Mount(dir+"/d", dir+"/container", "", unix.MS_BIND|unix.MS_REC, ""))
	t.Cleanup(func() { must(t, in.Unmount("container", true)) })

	mount("d/x")
	write(t, dir+"/d/x/f", "of a program", 0o644)
	mount("store/d/y")
	write(t, dir+"/store/d/y/f", "in the store", 0o644)
	for p, want := range map[string]bool{"container/x/f": true, "store/d/x/f": false, "d/y/f": false} {
		if there, err := in.Exists(p); there != want || err != nil {
			t.Errorf("%s is there: %v, %v", p, there, err)
		}
	}
	must(t, in.Unmount("store/d/y", false))
	if err := in.Unmount("store", false); err != nil {
		t.Errorf("the store cannot be unmounted: %v", err)
	}
	if read(t, dir+"/d/x/f") != "of a program" {
		t.Error("what was mounted went with the store")
	}
}

// A line of an fstab is as good for the kernel as it is for mount(8), which passes over what is for programs.
func TestMountWithOptionsOfFstab(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	must(t, os.Mkdir(dir+"/d", 0o755))
	every, data := sys.SplitOptions(strings.Split("defaults,async,owner,sync,noexec,lazytime,nofail,x-systemd.automount,X-mount.mkdir=0755,comment=mine,size=1m", ","))
	must(t, in.Mount("mine", "d", "tmpfs", every, data))
	defer func() { must(t, in.Unmount("d", true)) }()
	var vfs unix.Statfs_t
	must(t, unix.Statfs(dir+"/d", &vfs))
	if vfs.Blocks*uint64(vfs.Bsize) != 1<<20 || vfs.Flags&unix.ST_NOEXEC == 0 || vfs.Flags&unix.ST_SYNCHRONOUS == 0 {
		t.Errorf("%d blocks, flags %x", vfs.Blocks, vfs.Flags)
	}
}
