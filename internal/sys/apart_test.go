package sys_test

import (
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

// without runs f on a thread for which a system call fails, as a sandbox has it.
func without(t *testing.T, call uint32, errno unix.Errno, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never let go: the thread ends with this
		const (
			load, equal, end = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
			allow, fail      = 0x7fff0000, 0x00050000 // SECCOMP_RET_ of linux/seccomp.h
		)
		filter := []unix.SockFilter{
			{Code: load}, // the number of the call
			{Code: equal, K: call, Jf: 1},
			{Code: end, K: fail | uint32(errno)},
			{Code: end, K: allow},
		}
		prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
		if err == nil {
			err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&prog)), 0, 0)
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// Where the kernel, or a sandbox, does not let a mount be set apart, a directory is kept all the same.
func TestBindWithoutMountSetattr(t *testing.T) {
	nstest.Need(t)
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.EPERM} {
		in, dir := tree(t)
		write(t, dir+"/store/d/f", "kept", 0o644)
		must(t, os.Mkdir(dir+"/d", 0o755))
		var err error
		without(t, unix.SYS_MOUNT_SETATTR, errno, func() { err = sys.Bind(in, "store/d", in, "d", nil) })
		if err != nil {
			t.Errorf("mount_setattr says %v: %v", errno, err)
			continue
		}
		if got := read(t, dir+"/d/f"); got != "kept" {
			t.Errorf("%q", got)
		}
		must(t, in.Unmount("d", false))
	}
}
