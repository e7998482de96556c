//go:build e2e

package e2e

import "strings"

// looks looks back, in every way, at a file that this session and the last one have made, and that the base does not have.
func (m *machine) looks(p string) {
	m.t.Helper()
	last := m.lastOld()
	for command, want := range map[string]string{
		"anicca diff " + p + "; test $? = 4":                                  "+++ root:" + p,
		"anicca diff --from last " + p:                                        "is the same in old root " + last + " and in the running root",
		"anicca diff --to last /usr/local; test $? = 4":                       "+ " + p,
		"anicca log " + p:                                                     last,
		"anicca archive browse last /usr/local":                               "undeclared",
		"anicca archive mount last && test -s /run/anicca/browse/" + last + p: "old root " + last + " is at /run/anicca/browse/",
	} {
		if out := m.run(command); !strings.Contains(out, want) {
			m.t.Errorf("%s: %q is not in it:\n%s", command, want, out)
		}
	}
	if out, code := m.try("anicca archive drop --yes " + last); code == 0 {
		m.t.Errorf("an old root that is mounted was dropped: %s", out)
	}
	m.run("anicca archive umount " + last)
	m.lives(false, "/run/anicca/browse/"+last)
	m.run("anicca undo --yes " + p)
	m.lives(false, p)
	m.run("anicca restore " + p + " && test -s " + p)
}
