package plan_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/plan"
)

const (
	passwd = "root:x:0:0::/root:/bin/sh\nbird:x:1000:1000::/home/bird:/bin/bash\n"
	locked = "root:*:1:0:99999:7:::\nbird:!:1:0:99999:7:::\n"
	opened = "root:*:1:0:99999:7:::\nbird:$y$j9T$x:1:0:99999:7:::\n"
)

// A reset is not armed if it locks everybody out of a machine that somebody can log in to now.
func TestArmingLocksNobodyOut(t *testing.T) {
	key := map[string]string{"home/bird/.ssh/authorized_keys": "ssh-ed25519 AAAA bird\n"}
	for _, c := range []struct {
		what      string
		now, base map[string]string
		keep      []decl.Entry
		armed     bool
	}{
		{what: "the base has the password", now: map[string]string{"etc/shadow": opened}, base: map[string]string{"etc/shadow": opened}, armed: true},
		{what: "only the session has the password", now: map[string]string{"etc/shadow": opened}, base: map[string]string{"etc/shadow": locked}},
		{
			what: "the accounts are kept", now: map[string]string{"etc/shadow": opened}, base: map[string]string{"etc/shadow": locked},
			keep: []decl.Entry{file("/etc/shadow"), file("/etc/passwd")}, armed: true,
		},
		{
			what: "the password is kept, and its account is not", now: map[string]string{"etc/shadow": opened},
			base: map[string]string{"etc/passwd": "root:x:0:0::/root:/bin/sh\n", "etc/shadow": locked}, keep: []decl.Entry{file("/etc/shadow")},
		},
		{what: "only the session has the key", now: key, base: nil},
		{what: "the key's home is kept", now: key, base: nil, keep: []decl.Entry{{Path: "/home", Kind: decl.Directory, Method: decl.Bind}}, armed: true},
		{what: "the base has the key", now: key, base: key, armed: true},
		{what: "nobody can log in anyway", now: nil, base: nil, armed: true},
		{
			what: "the shell is none", now: map[string]string{"etc/shadow": opened},
			base: map[string]string{"etc/passwd": strings.ReplaceAll(passwd, "/bin/bash", "/usr/sbin/nologin"), "etc/shadow": opened},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			host := &decl.Host{Root: decl.Root{Backend: decl.Btrfs, Reset: decl.ResetOn, Pos: decl.Pos{File: "host.cue", Line: 1, Col: 1}}}
			for i := range c.keep {
				c.keep[i].Store, c.keep[i].Pos = "/persist", decl.Pos{File: "host.cue", Line: 2 + i, Col: 1}
			}
			host.Stores = []decl.Store{{Path: "/persist", Need: decl.Required, Entries: c.keep}}
			now := machineFS(c.now)
			now["proc/self/mountinfo"] = &fstest.MapFile{Data: []byte(basic)}
			now["persist/.keep"] = &fstest.MapFile{}
			f, err := facts.Read(facts.Source{FS: now, Base: machineFS(c.base)}, host)
			if err != nil {
				t.Fatal(err)
			}
			p := plan.Make(host, f)
			armed := slices.ContainsFunc(p.Steps, func(s plan.Step) bool { return s.Kind == plan.Record })
			said := slices.ContainsFunc(p.Conflicts, func(c plan.Conflict) bool { return strings.Contains(c.Msg, "nobody could log in") && c.Hint != "" })
			if armed != c.armed || said == c.armed {
				t.Errorf("armed %v, said %v: %+v", armed, said, p.Conflicts)
			}
		})
	}
}

func file(p string) decl.Entry { return decl.Entry{Path: p, Kind: decl.File, Method: decl.Carry} }

func machineFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{"etc/passwd": {Data: []byte(passwd)}, "etc/shadow": {Data: []byte(locked)}}
	for p, text := range files {
		m[p] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}
