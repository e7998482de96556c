package apply_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"anicca/internal/apply"
	"anicca/internal/decl"
	"anicca/internal/nstest"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// accounts gives the machine users, each with a group of its name and number.
func (m *machine) accounts(ids map[string]int) {
	m.t.Helper()
	passwd, group := "root:x:0:0::/root:/bin/sh\n", "root:x:0:\n"
	for _, name := range []string{"red", "blue", "green", "new"} {
		if id, ok := ids[name]; ok {
			passwd += fmt.Sprintf("%s:x:%d:%d::/nowhere:/bin/false\n", name, id, id)
			group += fmt.Sprintf("%s:x:%d:\n", name, id)
		}
	}
	must(m.t, os.WriteFile(filepath.Join(m.root.Name(), "etc/passwd"), []byte(passwd), 0o644))
	must(m.t, os.WriteFile(filepath.Join(m.root.Name(), "etc/group"), []byte(group), 0o644))
}

const numbered = "/persist/srv/data/"

// newOwners is a machine whose store has data of red and blue: plain files, a directory, a link, a program with set-id bits,
// one with a capability, a file with two names, and one with an access list. A carried file is of red too.
func newOwners(t *testing.T) *machine {
	t.Helper()
	nstest.NeedIDs(t)
	m := newMachine(t, map[string]string{"base/etc/passwd": "", "base/etc/group": "", "base/etc/carried": "x\n"})
	m.accounts(map[string]int{"red": 995, "blue": 999})
	at := filepath.Join(m.root.Name(), numbered)
	must(t, os.MkdirAll(filepath.Join(at, "dir"), 0o755))
	for name, id := range map[string]int{"red": 995, "blue": 999, "root": 0, "setid": 995, "able": 995, "two": 995, "list": 0} {
		must(t, os.WriteFile(filepath.Join(at, name), []byte("x"), 0o644))
		must(t, os.Chown(filepath.Join(at, name), id, id))
	}
	must(t, os.Link(filepath.Join(at, "two"), filepath.Join(at, "dir/two")))
	must(t, os.Chown(filepath.Join(at, "dir"), 999, 995))
	must(t, os.Chmod(filepath.Join(at, "dir"), os.ModeSetgid|0o770))
	must(t, os.Chmod(filepath.Join(at, "setid"), os.ModeSetuid|os.ModeSetgid|0o755))
	must(t, os.Symlink("/nowhere", filepath.Join(at, "link")))
	must(t, os.Lchown(filepath.Join(at, "link"), 995, 999))
	// user::rw- user:995:r-- group::r-- mask::r-- other::---
	must(t, unix.Setxattr(filepath.Join(at, "list"), "system.posix_acl_access", []byte("\x02\x00\x00\x00"+
		"\x01\x00\x06\x00\xff\xff\xff\xff"+"\x02\x00\x04\x00\xe3\x03\x00\x00"+"\x04\x00\x04\x00\xff\xff\xff\xff"+
		"\x10\x00\x04\x00\xff\xff\xff\xff"+"\x20\x00\x00\x00\xff\xff\xff\xff"), 0))
	must(t, unix.Setxattr(filepath.Join(at, "able"), "security.capability", []byte("\x00\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), 0))
	must(t, os.Chown(filepath.Join(m.root.Name(), "etc/carried"), 995, 995))
	m.walk(file("/etc/carried", decl.Carry), dir("/srv/data"))
	return m
}

// walk plans and applies.
func (m *machine) walk(entries ...decl.Entry) {
	m.t.Helper()
	must(m.t, apply.Run(m.root, m.plan(entries...), nil))
}

// owners are those of everything that the test looks at.
func (m *machine) owners() string {
	m.t.Helper()
	var out []string
	for _, p := range []string{"red", "blue", "root", "dir", "two", "dir/two", "link", "setid", "able", "../../../etc/carried"} {
		out = append(out, filepath.Base(p)+" "+m.has(filepath.Join(numbered, p)))
	}
	buf := make([]byte, 100)
	n, err := unix.Getxattr(filepath.Join(m.root.Name(), numbered, "list"), "system.posix_acl_access", buf)
	must(m.t, err)
	out = append(out, fmt.Sprintf("list %d", int(buf[:n][16])+int(buf[:n][17])<<8))
	n, err = unix.Getxattr(filepath.Join(m.root.Name(), numbered, "able"), "security.capability", buf)
	out = append(out, fmt.Sprintf("caps %d %v", n, err))
	return strings.Join(out, "\n")
}

const asKept = `red 0644 995:995
blue 0644 999:999
root 0644 0:0
dir 2770 999:995
two 0644 995:995
two 0644 995:995
link 0777 995:999
setid 6755 995:995
able 0644 995:995
carried 0644 995:995
list 995
caps 20 <nil>`

// Accounts that swap their numbers get their data back, wherever the power is cut, also a file of two names; and what is in the root
// as a plain copy is given on too.
func TestGiveIDs(t *testing.T) {
	defer func() { sys.Fault = nil }()
	swapped := strings.NewReplacer("995", "999", "999", "995").Replace(asKept)
	cut := errors.New("power cut")
	m := newOwners(t)
	if got := m.owners(); got != asKept {
		t.Fatal(got)
	}
	b, stores, err := apply.Applied(m.root, []decl.Store{{Path: "/persist"}})
	must(t, err)
	if len(stores) != 1 || b == nil {
		t.Fatalf("%v", stores)
	}
	is, want := map[string]int{"red": 999, "blue": 995}, swapped
	for n := 1; ; n++ {
		m.accounts(is)
		left, was := n, false
		sys.Fault = func(string, string) error {
			if left--; left <= 0 {
				was = true
				return cut
			}
			return nil
		}
		_, err := apply.GiveIDs(m.root, "/persist", b)
		sys.Fault = nil
		if was && !errors.Is(err, cut) {
			t.Fatalf("call %d: %v", n, err)
		}
		_, err = apply.GiveIDs(m.root, "/persist", b)
		must(t, err)
		if got := m.owners(); got != want {
			t.Fatalf("after call %d:\n%s\nwant:\n%s", n, got, want)
		}
		if moved, err := apply.LearnIDs(m.root, "/persist"); err != nil || len(moved) > 0 {
			t.Fatalf("after call %d: %v, %v", n, moved, err)
		}
		if !was {
			if n < 30 {
				t.Errorf("giving on made only %d calls: is the seam still used?", n-1)
			}
			break
		}
		is["red"], is["blue"] = is["blue"], is["red"]
		if want = asKept; is["red"] == 999 {
			want = swapped
		}
	}
}

// A number that is nobody's any more goes to its account in one pass, and what belongs to others stays.
func TestGiveIDsOnward(t *testing.T) {
	m := newOwners(t)
	m.accounts(map[string]int{"red": 1005, "blue": 999, "green": 998})
	b, _, err := apply.Applied(m.root, []decl.Store{{Path: "/persist"}})
	must(t, err)
	_, err = apply.GiveIDs(m.root, "/persist", b)
	must(t, err)
	want := strings.ReplaceAll(asKept, "995", "1005")
	if got := m.owners(); got != want {
		t.Errorf("%s\nwant:\n%s", got, want)
	}
}

// What the initrd's base or the session has done to the accounts is a conflict, nothing is applied before it is decided; what owns
// nothing is learnt in silence.
func TestPlanStopsWhereAccountsHaveMoved(t *testing.T) {
	for _, c := range []struct {
		what string
		ids  map[string]int
		want []string // in conflicts
	}{
		{"nothing", map[string]int{"red": 995, "blue": 999, "green": 998}, nil},
		{"another number", map[string]int{"red": 1005, "blue": 999}, []string{"user red was 995 when its data was kept, and is 1005 now, and /persist/", "usermod -u 995 red", "groupmod -g 995 red"}},
		{"swapped", map[string]int{"red": 999, "blue": 995}, []string{"user red was 995", "user blue was 999", "--ids give"}},
		{"recycled", map[string]int{"new": 995, "blue": 999}, []string{"red was 995 when its data was kept, and is gone; 995 is new's now", "--ids leave"}},
		{"gone", map[string]int{"blue": 999}, nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := newOwners(t)
			m.accounts(c.ids)
			p := m.plan(file("/etc/carried", decl.Carry), dir("/srv/data"), dir("/srv/more"))
			text := fmt.Sprintf("%+v", p.Conflicts)
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("%q is not in %s", w, text)
				}
			}
			if c.want == nil != (len(p.Conflicts) == 0) || c.want == nil != (len(p.Steps) > 0) {
				t.Errorf("conflicts %s, steps %+v", text, p.Steps)
			}
			must(t, apply.AcceptIDs(m.root, "/persist"))
			if p = m.plan(file("/etc/carried", decl.Carry), dir("/srv/data"), dir("/srv/more")); len(p.Conflicts) > 0 || len(p.Steps) == 0 || p.Steps[len(p.Steps)-1].Kind != plan.Record {
				t.Errorf("accepted: %+v, %+v", p.Conflicts, p.Steps)
			}
			if got := m.owners(); got != asKept {
				t.Errorf("accepted:\n%s", got)
			}
		})
	}
}

// Another number for an account that owns nothing here is learnt.
func TestLearnsWhatOwnsNothing(t *testing.T) {
	m := newOwners(t)
	m.accounts(map[string]int{"red": 995, "blue": 999, "green": 500})
	_, err := apply.LearnIDs(m.root, "/persist")
	must(t, err)
	m.accounts(map[string]int{"red": 995, "blue": 999, "green": 501, "new": 500})
	moved, err := apply.LearnIDs(m.root, "/persist")
	must(t, err)
	ids, err := apply.ReadIDs(m.root, "/persist")
	if err != nil || len(moved) > 0 || ids.Users["green"] != 501 || ids.Groups["new"] != 500 {
		t.Errorf("%v, %+v, %v", moved, ids, err)
	}
}

// A store that takes no writes learns nothing, and that is no fault.
func TestLearnsNothingInAStoreThatTakesNoWrites(t *testing.T) {
	m := newOwners(t)
	must(t, m.root.MkdirAll("/again", func(string) sys.Perm { return sys.Mine(0o755) }))
	must(t, sys.Bind(m.disk, "store", m.root, "/again", []string{"ro"}))
	m.accounts(map[string]int{"red": 995, "blue": 999, "new": 500})
	moved, err := apply.LearnIDs(m.root, "/again")
	ids, rerr := apply.ReadIDs(m.root, "/again")
	must(t, errors.Join(err, rerr))
	if len(moved) > 0 || ids.Users["new"] != 0 || ids.Users["red"] != 995 {
		t.Errorf("%v, %+v", moved, ids)
	}
}

// Where an account has got one of the numbers that data is given on by, nothing is begun: its data would go on to somebody else.
func TestGiveIDsByTakenNumbers(t *testing.T) {
	m := newOwners(t)
	m.accounts(map[string]int{"red": 60707, "blue": 995})
	b, _, err := apply.Applied(m.root, []decl.Store{{Path: "/persist"}})
	must(t, err)
	if _, err := apply.GiveIDs(m.root, "/persist", b); err == nil || !strings.Contains(err.Error(), "red has the number 60707") {
		t.Errorf("%v", err)
	}
	if got := m.owners(); got != asKept {
		t.Errorf("%s", got)
	}
}

// A file that cannot be changed stops all before it begins: half of the data would be nobody's.
func TestGiveIDsAroundAFixedFile(t *testing.T) {
	m := newOwners(t)
	at := m.root.Path(numbered + "two")
	if out, err := exec.Command("chattr", "+i", at).CombinedOutput(); err != nil {
		t.Skipf("needs a kernel and a filesystem where files can be made immutable: %s", out)
	}
	defer exec.Command("chattr", "-i", at).Run()
	m.accounts(map[string]int{"red": 999, "blue": 995})
	b, _, err := apply.Applied(m.root, []decl.Store{{Path: "/persist"}})
	must(t, err)
	if _, err := apply.GiveIDs(m.root, "/persist", b); err == nil || !strings.Contains(err.Error(), "chattr -ia /persist/srv/data/") {
		t.Errorf("%v", err)
	}
	if got := m.owners(); got != asKept {
		t.Errorf("%s", got)
	}
	must(t, exec.Command("chattr", "-i", at).Run())
	_, err = apply.GiveIDs(m.root, "/persist", b)
	must(t, err)
	if got := m.owners(); got != strings.NewReplacer("995", "999", "999", "995").Replace(asKept) {
		t.Errorf("%s", got)
	}
}
