package tell

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"anicca/internal/nstest"
	"anicca/internal/report"
	"anicca/internal/sys"
)

func TestMain(m *testing.M) {
	nstest.Enter()
	os.Exit(m.Run())
}

func machine(t *testing.T) *sys.Tree {
	t.Helper()
	tree, err := sys.OpenTree(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return tree
}

// memory is a machine of which all users see what they may; t.TempDir lies in a directory of root alone.
func memory(t *testing.T, fstype string) *sys.Tree {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("/var", "anicca-test-")
	check(err)
	t.Cleanup(func() { check(os.Remove(dir)) })
	at, err := sys.OpenTree(dir)
	check(err)
	defer at.Close()
	check(at.Mount("none", ".", fstype, nil, "mode=0755"))
	tree, err := sys.OpenTree(dir)
	check(err)
	t.Cleanup(func() {
		tree.Close()
		check(syscall.Unmount(dir, 0))
	})
	return tree
}

func state() report.State {
	return report.State{
		Report: report.Report{Goes: true, People: map[string]report.Person{
			"root": {UID: 0, Admin: true, Counts: report.Counts{"data": {Files: 2, Size: 20}}, News: 1},
			"bird": {UID: 1000, GID: 100, Counts: report.Counts{"data": {Files: 1, Size: 10}}, News: 1},
		}},
		Valued: map[string][]string{"root": {"/home/bird/love.odt", "/root/x"}, "bird": {"/home/bird/love.odt"}},
	}
}

func options() Options {
	return Options{Login: true, Desktop: true, All: state(), Lines: func(p report.Person) []string {
		if p.Counts.Value().Files == 0 {
			return nil
		}
		return []string{"anicca: something goes", "  see to it"}
	}}
}

// Somebody who cannot be told anything, such as an account whose number a container does not have, keeps nobody else from it.
func TestOthersAreToldToo(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	tree := memory(t, "tmpfs")
	s := state()
	nobody := ^uint32(0) // the kernel has it for none
	s.People["ghost"] = report.Person{UID: int(nobody), GID: 100, Counts: report.Counts{"data": {Files: 1, Size: 1}}, News: 1}
	if err := Write(tree, s, options()); err == nil {
		t.Error("nothing is said")
	}
	for p, want := range map[string]bool{"1000.json": true, "0.txt": true, "4294967295.json": false, "../review.json": true} {
		if there, err := tree.Exists(filepath.Join(PeoplePath, p)); there != want || err != nil {
			t.Errorf("%s is there: %v, %v", p, there, err)
		}
	}
}

// Each person finds numbers, and no path of anybody, in a file that others cannot read; only root finds all of it.
func TestNobodyReadsWhatIsOfOthers(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	tree := memory(t, "tmpfs")
	if err := Write(tree, state(), options()); err != nil {
		t.Fatal(err)
	}
	names, err := tree.List(PeoplePath)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"0.json", "0.txt", "1000.json", "1000.txt"}, names); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	for _, name := range names {
		p := PeoplePath + "/" + name
		s, err := tree.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if s.Uid != 0 || s.Gid != 0 || s.Perm()&^0o040 != 0o600 {
			t.Errorf("%s is of %d:%d, %o", name, s.Uid, s.Gid, s.Perm())
		}
		data, err := tree.ReadFile(p)
		if err != nil || strings.Contains(string(data), "love") {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
		mine := strings.HasPrefix(name, "1000.")
		for who, may := range map[*syscall.Credential]bool{
			{Uid: 1000, Gid: 100}: mine, {Uid: 1000, Gid: 1000, Groups: []uint32{100}}: mine,
			{Uid: 1001, Gid: 100}: false, {Uid: 1002, Gid: 1000}: false, {Uid: 1002, Gid: 1002}: false,
		} {
			cat := exec.Command("cat", tree.Path(p))
			cat.SysProcAttr = &syscall.SysProcAttr{Credential: who}
			if out, err := cat.Output(); may != (err == nil) || may != (string(out) == string(data)) {
				t.Errorf("%s: read by %+v: %q, %v", name, *who, out, err)
			}
		}
	}
	s, err := tree.Stat(StatePath)
	if err != nil || s.Perm() != 0o600 || s.Uid != 0 {
		t.Errorf("%s: %o %v", StatePath, s.Perm(), err)
	}
	again, err := ReadState(tree)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(state(), *again); d != "" {
		t.Errorf("read again (-want +got):\n%s", d)
	}
}

// Where a filesystem has no access lists, a person's file can be read by the person's group.
func TestGroupsReadWhereThereAreNoLists(t *testing.T) {
	nstest.Need(t)
	nstest.NeedIDs(t)
	top := memory(t, "ramfs")
	if err := Write(top, state(), options()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"0.json": "0:0 600", "1000.json": "0:100 640", "1000.txt": "0:100 640"} {
		s, err := top.Stat(PeoplePath + "/" + name)
		if got := fmt.Sprintf("%d:%d %o", s.Uid, s.Gid, s.Perm()); got != want || err != nil {
			t.Errorf("%s is of %s, want %s, %v", name, got, want, err)
		}
	}
}

// What cannot be read, as after a later version has written it, is said, with what to type; the next report writes it anew.
func TestUnreadableReportsAreWrittenAnew(t *testing.T) {
	nstest.NeedIDs(t)
	for text, want := range map[string]string{
		"":                                "cannot be read",
		`{"people":`:                      "cannot be read",
		`{"format":1,"people":[1]}`:       "cannot be read",
		`{"format":99,"people":["bird"]}`: "was written by a later version of anicca",
	} {
		tree := machine(t)
		if err := Write(tree, state(), options()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(tree.Path(StatePath), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := ReadState(tree)
		if s != nil || err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "'sudo systemctl start anicca-report'") {
			t.Errorf("%q: %v, %v", text, s, err)
		}
		if err := Write(tree, state(), options()); err != nil {
			t.Error(err)
		}
		if s, err := ReadState(tree); err != nil || s == nil || s.People["bird"].News != 1 {
			t.Errorf("after the next report: %v, %v", s, err)
		}
	}
	me := filepath.Join(t.TempDir(), "1000.json")
	if err := os.WriteFile(me, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := Desk{Report: me, Runtime: t.TempDir(), Bus: "unix:path=/nowhere"}
	if err := d.Notify(); err == nil || !strings.Contains(err.Error(), "start anicca-report") {
		t.Errorf("on the desktop: %v", err)
	}
}

// What is not true any more is taken away: lines when nothing goes, people who are not there, and all of it when nobody is to be told.
func TestOldReportsGo(t *testing.T) {
	nstest.NeedIDs(t)
	tree := machine(t)
	write := func(s report.State, o Options, want ...string) {
		t.Helper()
		if err := Write(tree, s, o); err != nil {
			t.Fatal(err)
		}
		names, err := tree.List(PeoplePath)
		if d := cmp.Diff(want, names); d != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	}
	write(state(), options(), "0.json", "0.txt", "1000.json", "1000.txt")
	s := state()
	delete(s.People, "bird")
	write(s, options(), "0.json", "0.txt")
	o := options()
	o.Login = false
	write(s, o, "0.json")
	if err := Forget(tree, ""); err != nil {
		t.Fatal(err)
	}
	if names, err := tree.List("/run/anicca"); err != nil || len(names) != 1 {
		t.Errorf("%q %v", names, err)
	}
	if again, err := ReadState(tree); err != nil || again != nil {
		t.Errorf("%v %v", again, err)
	}
	if err := Forget(machine(t), ""); err != nil {
		t.Errorf("where nothing is: %v", err)
	}
}

// The numbers go where they are declared, else to the usual place where that is, and never through a link.
func TestMetrics(t *testing.T) {
	nstest.NeedIDs(t)
	tree := machine(t)
	if err := Metrics(tree, "", "a 1\n"); err != nil {
		t.Errorf("where nobody reads them: %v", err)
	}
	if err := Metrics(tree, "/srv/metrics", "a 1\n"); err == nil || !strings.Contains(err.Error(), "report.metrics") {
		t.Errorf("into a directory that is not there: %v", err)
	}
	for _, dir := range []string{usualMetrics, "/srv/metrics"} {
		if err := os.MkdirAll(tree.Path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for declared, dir := range map[string]string{"": usualMetrics, "/srv/metrics": "/srv/metrics"} {
		for _, text := range []string{"a 1\n", "a 2\n"} {
			if err := Metrics(tree, declared, text); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(tree.Path(dir + "/anicca.prom"))
			if err != nil || string(data) != text {
				t.Errorf("%q %v", data, err)
			}
		}
		if names, _ := tree.List(dir); len(names) != 1 {
			t.Errorf("%s holds %q", dir, names)
		}
	}
	if err := os.Symlink("/srv/metrics", tree.Path("/srv/link")); err != nil {
		t.Fatal(err)
	}
	if err := Metrics(tree, "/srv/link", "b 1\n"); err == nil {
		t.Error("a link was followed")
	}
	if err := Forget(tree, "/srv/link"); err != nil {
		t.Errorf("forgotten through a link: %v", err)
	}
	for declared, dir := range map[string]string{"": usualMetrics, "/srv/metrics": "/srv/metrics"} {
		if err := os.WriteFile(tree.Path("/srv/metrics/other.prom"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if there, err := tree.Exists(dir + "/anicca.prom"); err != nil || !there {
			t.Fatalf("%s: %v %v", dir, there, err)
		}
		if err := Forget(tree, declared); err != nil {
			t.Error(err)
		}
		if there, err := tree.Exists(dir + "/anicca.prom"); err != nil || there {
			t.Errorf("numbers that are not true any more stay in %s: %v", dir, err)
		}
	}
	if there, err := tree.Exists("/srv/metrics/other.prom"); err != nil || !there {
		t.Errorf("what others put there was taken away: %v", err)
	}
}

// An entry arrives whole at a journal, also where it has several lines.
func TestJournal(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	journal, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	r := report.Report{Goes: true, Base: 2, Counts: report.Counts{"data": {Files: 3, Size: 12}, "cache": {Files: 9, Size: 90}}}
	if err := Journal(socket, report.Entry(r, report.Counted, "one\ntwo")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	n, err := journal.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	got := fields(t, buf[:n])
	for name, want := range map[string]string{
		"MESSAGE": "one\ntwo", "MESSAGE_ID": report.Counted, "PRIORITY": "5", "SYSLOG_IDENTIFIER": "anicca", "ANICCA_ARMED": "1",
		"ANICCA_FILES": "3", "ANICCA_BYTES": "12", "ANICCA_FILES_DATA": "3", "ANICCA_BYTES_CACHE": "90", "ANICCA_FILES_CONFIG": "0", "ANICCA_BASE": "2",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if err := Journal(socket+"-not", nil); err == nil {
		t.Error("no journal is no error")
	}
}

// fields reads an entry in the native protocol.
func fields(t *testing.T, data []byte) map[string]string {
	t.Helper()
	out := map[string]string{}
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			t.Fatalf("an entry is cut off: %q", data)
		}
		name, value, ok := bytes.Cut(line, []byte("="))
		if !ok {
			n := binary.LittleEndian.Uint64(rest)
			value, rest = rest[8:8+n], rest[8+n+1:]
		}
		if _, twice := out[string(name)]; twice {
			t.Errorf("%s is there twice", name)
		}
		out[string(name)], data = string(value), rest
	}
	return out
}
