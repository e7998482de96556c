package apply

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// Every filesystem that something was placed on or kept on is waited for, once, also where the kernel does not tell mounts apart.
func TestEveryFilesystemIsSynced(t *testing.T) {
	nstest.Need(t)
	const env = "ANICCA_TEST_NO_STATX"
	blind := os.Getenv(env) != ""
	root, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, p := range []string{"etc", "persist", "data"} {
		if err := os.MkdirAll(root.Path(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if p == "etc" {
			continue
		}
		if err := root.Mount("store", p, "tmpfs", nil, ""); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(root.Path(p), 0); err != nil {
				t.Error(err)
			}
		})
		if err := os.Mkdir(filepath.Join(root.Path(p), "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := root.Stat("persist"); err != nil || blind != (s.MountID == 0) {
		t.Fatalf("the kernel tells %d, %v", s.MountID, err)
	}
	var synced []string
	sys.Fault = func(op, p string) error {
		if op == "sync" {
			synced = append(synced, strings.TrimPrefix(p, root.Name()))
		}
		return nil
	}
	defer func() { sys.Fault = nil }()
	c := Carrier{Root: root, Store: "/persist", noted: []noted{
		{path: "/etc/a", kept: "/persist/etc/a"}, {path: "/etc/b", kept: "/data/etc/b"}, {path: "/etc/c", kept: "/data/etc/c"}, {path: "/etc/gone"},
	}}
	if err := c.sync(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/etc", "/persist/etc", "/data/etc"}; !slices.Equal(synced, want) {
		t.Errorf("blind: %v: waited for %q, want %q", blind, synced, want)
	}
	if blind {
		return
	}
	again := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$")
	again.Env = append(os.Environ(), env+"=1")
	if out, err := withoutStatx(again); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// withoutStatx runs a program to which the kernel has no statx(2), as it is in some sandboxes.
func withoutStatx(cmd *exec.Cmd) (out []byte, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the filter stays with the thread, which ends with the goroutine
		filter := []unix.SockFilter{
			{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the call: the first of seccomp_data
			{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_STATX},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
			{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		}
		program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		if err = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return
		}
		if _, _, e := unix.Syscall(unix.SYS_PRCTL, unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program))); e != 0 {
			err = errors.Join(errors.New("seccomp"), e)
			return
		}
		out, err = cmd.CombinedOutput()
	}()
	<-done
	return out, err
}
