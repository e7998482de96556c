package config_test

import (
	"fmt"
	"reflect"
	"testing"

	"golang.org/x/tools/txtar"

	"anicca/internal/decl"
)

// Entries of a list that say the same come out as each does alone.
func TestEntriesThatAreAlike(t *testing.T) {
	lists := map[string][]string{
		"directories": {`{}`, `{mountOptions: ["nosuid", "nodev"]}`, `{mode: "0700", user: "colord"}`, `{parentDirectory: {user: "app", mode: "0750"}}`, `{enforce: true, mode: "0711"}`, `{tier: "cache", phase: "early"}`},
		"files":       {`{}`, `{method: "bind", mountOptions: ["ro"]}`, `{method: "symlink"}`, `{enable: false}`},
	}
	declare := func(body string) map[string]decl.Entry {
		text := "root: backend: \"btrfs\"\npersist: \"/persist\": {hideMounts: true, allowTrash: true, directories: \"/kept\": {}\n" + body + "}\n"
		host, err := load(t, []txtar.File{{Name: "decl/host.cue", Data: []byte(text)}})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		out := map[string]decl.Entry{}
		for _, e := range host.Stores[0].Entries {
			e.Pos = decl.Pos{}
			out[e.Path] = e
		}
		return out
	}
	for _, home := range []bool{false, true} {
		all, alone := "", map[string]decl.Entry{}
		for list, says := range lists {
			for i, s := range says {
				for n := range 3 {
					line := fmt.Sprintf("%s: %q: %s\n", list, fmt.Sprintf("/%s/%d-%d", list, n, i), s)
					if home {
						line = fmt.Sprintf("users: bird: %s: %q: %s\n", list, fmt.Sprintf("%s/%d-%d", list, n, i), s)
					}
					all += line
					for p, e := range declare(line) {
						alone[p] = e
					}
				}
			}
		}
		if together := declare(all); len(together) < 20 || !reflect.DeepEqual(together, alone) {
			t.Errorf("together %+v\nalone %+v", together, alone)
		}
	}
}
