package survey

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// longest is how many bytes of paths one question to rpm has: the kernel takes 128 KiB and more.
const longest = 100 << 10

// rpmConfig marks a file of configuration (RPMFILE_CONFIG in rpmfiles.h).
const rpmConfig = 1

// rpm asks which packages have what was asked for, and in the base those that had what is gone; and then for all that these have, as
// the answer to the first question does not say which path it is about.
func (a *asker) rpm() error {
	if a.RPM == nil || len(a.want) == 0 {
		return nil
	}
	var gone []string
	for _, p := range a.Paths {
		if _, err := fs.Lstat(a.FS, p[1:]); errors.Is(err, fs.ErrNotExist) {
			gone = append(gone, p)
		}
	}
	below := map[string][]string{}
	if a.Base != nil && len(gone) > 0 {
		_ = a.rpmIn(true, gone, below) // a database that can only be read is not always opened: then it is not known whose that was
	}
	if err := a.rpmIn(false, slices.Sorted(maps.Keys(a.want)), below); err != nil {
		return err
	}
	for dir, list := range below {
		if len(a.w.Packages[dir]) == 0 {
			a.w.Packages[dir] = list
		}
	}
	return nil
}

// rpmIn asks one database. Not every directory that comes with a package is named in it: below is by directory whose files lie in it.
func (a *asker) rpmIn(base bool, paths []string, below map[string][]string) error {
	names := map[string]bool{}
	for _, some := range portions(paths) {
		out, _ := a.RPM(base, append([]string{"-qf", "--queryformat", `=%{NAME}\n`, "--"}, some...)...) // it fails if one of them is nobody's
		for line := range strings.Lines(out) {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "="); ok {
				names[n] = true
			}
		}
	}
	for _, some := range portions(slices.Sorted(maps.Keys(names))) {
		out, err := a.RPM(base, append([]string{"-q", "--queryformat", `[%{=NAME}\t%{FILEFLAGS}\t%{FILEDIGESTS}\t%{FILENAMES}\n]`, "--"}, some...)...)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			f := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 4)
			if len(f) != 4 || !strings.HasPrefix(f[3], "/") {
				continue
			}
			a.brings(f[0], []byte(f[3]))
			for up := path.Dir(f[3]); up != "/"; up = path.Dir(up) {
				if a.asked[up] {
					below[up] = append(below[up], f[0])
				}
			}
			if flags, err := strconv.Atoi(f[1]); err == nil && flags&rpmConfig != 0 && !base {
				a.configures(f[3], f[2])
			}
		}
	}
	return nil
}

// portions splits a list where one question would be too long.
func portions(list []string) [][]string {
	var out [][]string
	n := 0
	for i, s := range list {
		if i == 0 || n+len(s) > longest {
			out, n = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], s)
		n += len(s) + 9
	}
	return out
}
