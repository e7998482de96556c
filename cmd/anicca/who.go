package main

import (
	"context"
	"io/fs"
	"os"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/review"
	"anicca/internal/survey"
	"anicca/internal/sys"
)

// origins finds out who wrote what has changed. What lies in homes is no package's and no unit's, so nothing is read for that alone;
// what cannot be read is no fault of a review, which only says less then.
func (g globals) origins(all []review.Change, base *sys.Tree, users []decl.Account) review.Origins {
	q := survey.Question{FS: os.DirFS(g.root)}
	if base != nil {
		q.Base = base.FS()
	}
	if hasRPM(q.FS) {
		q.RPM = func(old bool, args ...string) (string, error) {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if old {
				args = append([]string{"--root=" + base.Name()}, args...)
			} else if g.root != "/" {
				args = append([]string{"--root=" + g.root}, args...)
			}
			return sys.Run(ctx, "rpm", args...)
		}
	}
	return originsIn(q, all, users)
}

// originsIn asks a machine that is seen as the question says.
func originsIn(q survey.Question, all []review.Change, users []decl.Account) review.Origins {
	o := review.Origins{Users: map[uint32]string{}}
	var homes []string
	for _, u := range users {
		if _, twice := o.Users[uint32(u.UID)]; !twice {
			o.Users[uint32(u.UID)] = u.Name
		}
		if u.Person() {
			homes = append(homes, strings.TrimSuffix(u.Home, "/")+"/")
		}
	}
	for _, c := range all {
		if !inHome(homes, c.Path) {
			q.Paths = append(q.Paths, c.Path)
		}
	}
	if len(q.Paths) == 0 {
		return o
	}
	w, err := survey.Ask(q)
	if err != nil {
		return o
	}
	o.Packages, o.Pristine, o.Helpers, o.Units, o.Made = w.Packages, w.Pristine, w.Helpers, w.Units, w.Made
	return o
}

func inHome(homes []string, p string) bool {
	for _, h := range homes {
		if strings.HasPrefix(p, h) {
			return true
		}
	}
	return false
}

// hasRPM reports whether the machine's packages are in a database of rpm. The program alone says nothing: Debian has it too.
func hasRPM(fsys fs.FS) bool {
	for _, p := range []string{"usr/lib/sysimage/rpm", "var/lib/rpm"} {
		list, err := fs.Glob(fsys, p+"/[pPr]*") // rpmdb.sqlite, Packages.db, Packages
		if err == nil && len(list) > 0 {
			return sys.Program("rpm") != ""
		}
	}
	return false
}
