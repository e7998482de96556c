//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unused is how long an image stays that no test wants any more.
const unused = 30 * 24 * time.Hour

// cached returns a file of the user's cache, which is made if it is not there. Who makes one holds a lock, also against other
// programs. A file with its own name is whole.
func cached(t *testing.T, name string, fill func(tmp string)) string {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cache, err := os.UserCacheDir()
	must(err)
	dir := filepath.Join(cache, "anicca-e2e")
	must(os.MkdirAll(dir, 0o755))
	out := filepath.Join(dir, name)
	used := func() bool { return os.Chtimes(out, time.Time{}, time.Now()) == nil }
	if used() {
		return out
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	must(err)
	defer lock.Close()
	for err = syscall.EINTR; err == syscall.EINTR; {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	}
	must(err)
	if used() { // somebody else has made it meanwhile
		return out
	}
	tidy(t, dir)
	tmp, err := os.CreateTemp(dir, unfinished+"*.tar")
	must(err)
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	fill(tmp.Name())
	whole, err := os.Open(tmp.Name()) // it may be another file by now
	must(err)
	defer whole.Close()
	must(whole.Sync())
	must(os.Rename(tmp.Name(), out))
	return out
}

// unfinished is what the names of files begin with that are being made.
const unfinished = ".new-"

// tidy removes what nobody makes any more, as the lock is ours, and what nobody has used for long.
func tidy(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasSuffix(e.Name(), ".tar") {
			continue
		}
		old := strings.HasSuffix(e.Name(), ".new.tar") || time.Since(info.ModTime()) > unused
		if strings.HasPrefix(e.Name(), unfinished) || old {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
