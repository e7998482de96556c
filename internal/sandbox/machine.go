package sandbox

import (
	"os"
	"path/filepath"
)

// declaration is what the little machine declares. It is also what a reader of the output looks at first.
const declaration = `// What this little machine keeps. Everything else is gone at the next boot.
root: {
	backend: "overlay"
	reset:   "on"
}

persist: "/persist": {
	directories: "/var/log": {}
	files: "/etc/app.conf": {}
	users: bird: directories: Documents: {}
}
`

// files are the base of the little machine.
//
// A namespace of an ordinary user has one user id only, so bird has the number of root.
var files = map[string]string{
	"etc/hostname":               "little\n",
	"etc/os-release":             "ID=little\nPRETTY_NAME=\"A little machine\"\n",
	"etc/passwd":                 "root:x:0:0::/root:/bin/sh\nbird:x:0:0::/home/bird:/bin/sh\n",
	"etc/group":                  "root:x:0:\n",
	"etc/motd":                   "Welcome to the base.\n",
	"etc/app.conf":               "colour = blue\n",
	"etc/anicca/host.cue":        declaration,
	"var/log/install.log":        "installed\n",
	"home/bird/Documents/cv.txt": "born in a nest\n",
	"root/.keep":                 "",
	"persist/.keep":              "",
}

// writeBase makes the base below dir.
func writeBase(dir string) error {
	for p, text := range files {
		p = filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if filepath.Base(p) == ".keep" {
			continue
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// written is one file that a program of the little machine writes in one session.
type written struct {
	program, path string
	add           bool // has what was there before, and more
}

// session is what the programs of the little machine write between two boots; n counts the sessions.
func session(n string) []written {
	return []written{
		{"logger", "/var/log/session-" + n + ".log", false},
		{"bird's editor", "/home/bird/Documents/letter-" + n + ".txt", false},
		{"bird's editor", "/home/bird/notes-" + n + ".txt", false},
		{"bird's browser", "/home/bird/.cache/page-" + n, false},
		{"an administrator", "/etc/typed-by-hand-" + n + ".conf", false},
		{"an installer", "/usr/local/bin/tool-" + n, false},
		{"an administrator", "/etc/app.conf", true},
		{"an administrator", "/etc/motd", true},
	}
}
