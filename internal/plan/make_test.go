package plan_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/golden"
	"anicca/internal/plan"
	"anicca/internal/ui"
)

// Each archive in testdata is a machine (below m/), a wish (decl/), and the answer: plan.txt and plan.json.
func TestPlans(t *testing.T) {
	golden.Run(t, func(t *testing.T, a *txtar.Archive) map[string]string {
		got := plan.Make(wish(t, a))
		var text bytes.Buffer
		ui.Plan(&text, got)
		return map[string]string{"plan.txt": text.String(), "plan.json": indent(t, got)}
	})
}

// wish evaluates the declaration of an archive and reads its machine.
func wish(t *testing.T, a *txtar.Archive) (*decl.Host, *facts.Facts) {
	t.Helper()
	m := machine(a)
	accounts, err := facts.ReadAccounts(m)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := os.Mkdir("decl", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("decl/host.cue", []byte(golden.Content(a, "decl/host.cue")), 0o644); err != nil {
		t.Fatal(err)
	}
	host, err := config.Load(config.Options{Dir: "decl", Host: "nest", Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	f, err := facts.Read(facts.Source{FS: m}, host)
	if err != nil {
		t.Fatal(err)
	}
	return host, f
}

const basic = `22 1 0:20 /@rootfs / rw,relatime shared:1 - btrfs /dev/sda1 rw
30 22 0:20 /@persist /persist rw,noatime shared:5 - btrfs /dev/sda1 rw
`

// machine is the archive's, with what every machine has.
func machine(a *txtar.Archive) fstest.MapFS {
	m := golden.FS(a, "m/")
	table := basic
	if whole := golden.Content(a, "table"); whole != "" {
		table = whole
	}
	if own, ok := m["proc/self/mountinfo"]; ok {
		table += string(own.Data)
	}
	m["proc/self/mountinfo"] = &fstest.MapFile{Data: []byte(table)}
	m["etc/passwd"] = &fstest.MapFile{Data: []byte("root:x:0:0::/root:/bin/sh\ncolord:x:110:118::/var/lib/colord:/bin/false\nbird:x:1000:1001::/home/bird:/bin/sh\n")}
	m["etc/group"] = &fstest.MapFile{Data: []byte("root:x:0:\ncolord:x:118:\nbird:x:1001:\n")}
	m["persist"] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	return m
}

func indent(t *testing.T, v any) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data) + "\n"
}
