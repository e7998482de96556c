package main

import (
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// preservation keeps by systemd: rules for systemd-tmpfiles on both sides, and a mount unit for each entry, which is one mount(8).
// What systemd itself does for a unit is not counted.
func (s *stage) preservation() error {
	var rules, mounts strings.Builder
	mounts.WriteString("set -e\nsystemd-tmpfiles --create " + filepath.Join(s.Dir, "rules.conf") + "\n")
	for _, e := range entries(s.Entries) {
		kept, at := s.store+e.path, s.root+e.path
		if e.dir {
			fmt.Fprintf(&rules, "d %s 0755 root root - -\nd %s 0755 root root - -\n", kept, at)
		} else {
			fmt.Fprintf(&rules, "f %s 0644 root root - -\nf %s 0644 root root - -\n", kept, at)
		}
		fmt.Fprintf(&mounts, "mount -o bind %s %s\n", kept, at)
	}
	return s.script("preservation", "sh", map[string]string{"rules.conf": rules.String(), "run": mounts.String()})
}

// makeDirectory is what impermanence does for a directory: in a bash of its own, on both sides, by coreutils.
const makeDirectory = `set -o nounset -o errexit -o pipefail -o errtrace -o noglob
trap 'echo "failed: $BASH_COMMAND"' ERR
store=$1 root=$2 at=$3 user=$4 group=$5 mode=$6
kept=$(realpath -m "$store$at")
if [[ ! -d $kept ]]; then
	mkdir --mode="$mode" "$kept"
	chown "$user:$group" "$kept"
fi
[[ -d $root$at ]] || mkdir "$root$at"
chown --reference="$kept" "$root$at"
chmod --reference="$kept" "$root$at"
`

// placeFile is what it does for a file.
const placeFile = `set -o nounset -o errexit -o pipefail -o errtrace -o noglob
trap 'echo "failed: $BASH_COMMAND"' ERR
at=$1 kept=$2
if [[ -L $at && $(readlink -f "$at") == "$kept" ]]; then
	exit 0
elif findmnt "$at" >/dev/null; then
	exit 0
elif [[ -s $at ]]; then
	echo "A file already exists at $at!" >&2
	exit 1
elif [[ -e $kept ]]; then
	touch "$at"
	mount -o bind "$kept" "$at"
else
	ln -s "$kept" "$at"
fi
`

// impermanence keeps by bash: each parent and each directory is a bash of its own, each mount unit one mount(8), each file a bash.
func (s *stage) impermanence() error {
	var run strings.Builder
	run.WriteString("set -e\n")
	dir := func(at string) {
		fmt.Fprintf(&run, "bash %s/directory %s %s %s root root 0755\n", s.Dir, s.store, s.root, at)
	}
	all := entries(s.Entries)
	seen := map[string]bool{"/": true}
	for _, e := range all {
		var up []string
		for p := path.Dir(e.path); !seen[p]; p = path.Dir(p) {
			seen[p] = true
			up = append(up, p)
		}
		for _, p := range slices.Backward(up) {
			dir(p)
		}
	}
	for _, e := range all {
		if e.dir {
			dir(e.path)
			fmt.Fprintf(&run, "mount -o bind %s %s\n", s.store+e.path, s.root+e.path)
		}
	}
	for _, e := range all {
		if !e.dir {
			fmt.Fprintf(&run, "bash %s/file %s %s\n", s.Dir, s.root+e.path, s.store+e.path)
		}
	}
	return s.script("impermanence", "bash", map[string]string{"directory": makeDirectory, "file": placeFile, "run": run.String()})
}

// script runs what lies in the file run.
func (s *stage) script(what, shell string, files map[string]string) error {
	at := map[string]string{}
	for name, text := range files {
		at[filepath.Join(s.Dir, name)] = text
	}
	if err := s.write(at); err != nil {
		return err
	}
	return s.measure(what, exec.Command(shell, filepath.Join(s.Dir, "run")))
}
