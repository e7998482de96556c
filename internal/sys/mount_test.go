package sys_test

import (
	"errors"
	"os"
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
