package sys_test

import (
	"os"
	"strings"
	"testing"

	"anicca/internal/nstest"
	"anicca/internal/sys"
)

func last(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1]
}

// Options for user space are put where libmount and file managers look for them, once.
func TestNoteUserOptions(t *testing.T) {
	nstest.Need(t)
	in, dir := tree(t)
	for _, d := range []string{"/store/a b", "/a b", "/plain"} {
		must(t, os.MkdirAll(dir+d, 0o755))
	}
	must(t, sys.Bind(in, "store/a b", in, "a b", nil))
	defer func() { must(t, in.Unmount("a b", true)) }()
	must(t, os.MkdirAll(dir+"/run/mount", 0o755))
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n", 0o644)
	for range 2 {
		must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": {"nosuid", "x-gvfs-hide", "x-gvfs-trash"}, dir + "/plain": {"ro"}}, nil, nil))
	}
	id := strings.TrimSuffix(last(read(t, dir+"/run/mount/utab")), "OPTS=x-gvfs-hide,x-gvfs-trash")
	for _, c := range []struct {
		was, want string
		options   []string
	}{
		{"OPTS=x-gvfs-hide", "OPTS=x-gvfs-trash", []string{"x-gvfs-trash"}},
		{"OPTS=x-gvfs-hide,x-systemd.automount ATTRS=a", "OPTS=x-gvfs-trash,x-systemd.automount ATTRS=a", []string{"x-gvfs-trash", "ro"}},
		{"OPTS=x-gvfs-hide,x-systemd.automount", "OPTS=x-systemd.automount", nil},
		{"OPTS=x-gvfs-hide", "", nil},
	} {
		write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n"+id+c.was+"\n", 0o644)
		must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": c.options}, nil, nil))
		want := "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n"
		if c.want != "" {
			want += id + c.want + "\n"
		}
		if got := read(t, dir+"/run/mount/utab"); got != want {
			t.Errorf("%s with %v: %q, want %q", c.was, c.options, got, want)
		}
	}
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n"+id+"OPTS=x-gvfs-hide,x-a\n", 0o644)
	must(t, sys.NoteUserOptions(in, nil, map[string][]string{dir + "/a b": {"x-gvfs-trash"}}, nil))
	if got := last(read(t, dir+"/run/mount/utab")); got != id+"OPTS=x-gvfs-trash,x-gvfs-hide,x-a" {
		t.Errorf("in addition: %s", got)
	}
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n", 0o644)
	must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": {"nosuid", "x-gvfs-hide", "x-gvfs-trash"}}, nil, nil))
	text := read(t, dir+"/run/mount/utab")
	if n := strings.Count(text, "\n"); n != 2 || !strings.Contains(text, `/a\040b ROOT=`) || !strings.Contains(text, "OPTS=x-gvfs-hide,x-gvfs-trash\n") ||
		!strings.HasPrefix(text, "SRC=/dev/x ") {
		t.Errorf("utab:\n%s", text)
	}
	// Where it is known what was mounted, only the line of its source is looked for, and the same comes of it.
	kept, err := in.Stat("store/a b")
	must(t, err)
	write(t, dir+"/run/mount/utab", "SRC=/dev/x TARGET=/other ROOT=/ OPTS=_netdev\n", 0o644)
	must(t, sys.NoteUserOptions(in, map[string][]string{dir + "/a b": {"x-gvfs-hide", "x-gvfs-trash"}}, nil,
		map[string]sys.Made{dir + "/a b": {Source: dir + "/store/a b", Mount: kept.MountID}}))
	if got := read(t, dir+"/run/mount/utab"); got != text {
		t.Errorf("utab:\n%s\nwant:\n%s", got, text)
	}
}
