package install

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"anicca/internal/golden"
)

// Each archive in testdata is a machine, and the answer: what init would do there, or why it refuses.
func TestMachines(t *testing.T) {
	golden.Run(t, func(t *testing.T, a *txtar.Archive) map[string]string {
		m := golden.FS(a, "")
		out := map[string]string{"answer": answer(t, m)}
		if golden.Content(a, "files") != "" {
			out["files"] = written(t, m)
		}
		return out
	})
}

func answer(t *testing.T, m fs.FS) string {
	t.Helper()
	machine, err := Look(Source{
		FS: m, Kernel: "6.1.0-1-amd64", Hostname: "nest",
		Pools: text(m, "zpool-list"), Datasets: text(m, "zfs-list"),
	})
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b bytes.Buffer
	if no := machine.Refusals(); len(no) > 0 {
		for _, r := range no {
			fmt.Fprintf(&b, "no: %s\n\t%s\n", r.Msg, r.Hint)
			if r.Hint == "" {
				t.Errorf("a refusal without advice: %s", r.Msg)
			}
		}
		return b.String()
	}
	starter := Starter(machine)
	for _, s := range Steps(machine, starter) {
		fmt.Fprintf(&b, "%s %s: %s\n", s.Kind, s.Path, s.Text)
		if s.Kind == Fstab {
			fmt.Fprintf(&b, "\t%s\n", s.Data)
		}
	}
	for _, n := range machine.Notes() {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	if len(machine.Declared) == 0 {
		fmt.Fprintf(&b, "\n%s", starter)
	}
	return b.String()
}

// written are the files that init would put on a machine.
func written(t *testing.T, m fs.FS) string {
	t.Helper()
	machine, err := Look(Source{FS: m, Kernel: "6.1.0-1-amd64", Hostname: "nest"})
	if err != nil {
		t.Fatal(err)
	}
	machine.UUID = "01234567-89ab-cdef-0123-456789abcdef"
	list, err := Hooks(machine, Programs{Init: "/opt/anicca-init", Anicca: "/opt/anicca"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range list {
		switch {
		case f.Link != "":
			fmt.Fprintf(&b, "%s -> %s\n", f.Path, f.Link)
		case f.From != "":
			fmt.Fprintf(&b, "%s %04o, a copy of %s\n", f.Path, f.Mode, f.From)
		default:
			fmt.Fprintf(&b, "%s %04o\n\t%s\n", f.Path, f.Mode, strings.ReplaceAll(strings.TrimSuffix(f.Data, "\n"), "\n", "\n\t"))
		}
	}
	return b.String()
}

// The hooks come before the base: what the boot loader reads after a reset is the base's /boot.
func TestHooksComeBeforeTheBase(t *testing.T) {
	m := Machine{Generator: Dracut, Images: []Image{{Path: "/boot/initrd.img-1", Kernel: "1"}}, Store: "/persist"}
	at := map[Kind]int{}
	for i, s := range Steps(m, "") {
		at[s.Kind] = i
	}
	for _, k := range []Kind{Hook, Initrd, Ledger, Fstab, Declaration} {
		if at[k] >= at[Base] {
			t.Errorf("%s comes after the base", k)
		}
	}
	if at[Hook] > at[Initrd] {
		t.Error("the initrd is rebuilt before the hooks are there")
	}
}
