package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"anicca/internal/baseline"
	"anicca/internal/changes"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/review"
	"anicca/internal/sys"
)

// reviewUser tells what the next reset drops of the home of whoever asks, without a right to look at the base.
func (g globals) reviewUser(sinceBoot bool) (r seen, err error) {
	known, err := baseline.ReadKnown(g.baselines(), sys.BootID())
	if err != nil {
		return r, err
	}
	me, err := g.me()
	if err != nil {
		return r, err
	}
	r.measure = newMeasure(known.Kept, known.Ignore, []decl.Account{me})
	r.scale.Tell(review.Origins{Users: map[uint32]string{uint32(me.UID): me.Name}})
	var all []review.Change
	from := known.Since
	if sinceBoot {
		from = known.Settled
	}
	at := filepath.Join(g.root, me.Home)
	mount, err := sys.MountAt(at)
	if err != nil {
		return r, err
	}
	drops, why := known.Drops(me.Home, "/"+strings.Trim(strings.TrimPrefix(mount.Mountpoint, strings.TrimSuffix(g.root, "/")), "/"))
	if drops {
		home, err := sys.OpenTree(at)
		if err != nil {
			return r, err
		}
		defer home.Close()
		var denied []string
		if all, denied, err = changes.Since(home, me.Home, from, known.Merged, r.look()); err != nil {
			return r, err
		}
		for _, p := range denied {
			fmt.Fprintln(os.Stderr, "anicca: you may not look into", p)
		}
	}
	r.Review = review.Make(known.Base, all, known.Kept, r.scale, r.sieve)
	r.Home, r.Kept = me.Home, why
	if sinceBoot {
		r.Since = from.Unix()
	}
	return r, nil
}

// me is the account of whoever asks, with the home as it really lies.
func (g globals) me() (decl.Account, error) {
	accounts, err := facts.ReadAccounts(os.DirFS(g.root))
	if err != nil {
		return decl.Account{}, err
	}
	me := decl.Account{Name: os.Getenv("USER"), UID: os.Getuid(), GID: os.Getgid(), Home: os.Getenv("HOME")} // of a directory of users elsewhere
	for _, u := range accounts.Users() {
		if u.UID == me.UID {
			me = u
			break
		}
	}
	home, err := filepath.EvalSymlinks(filepath.Join(g.root, me.Home))
	if err != nil {
		return me, err
	}
	if home, err = filepath.Rel(g.root, home); err != nil || home == "." || strings.HasPrefix(home, "..") {
		return me, fmt.Errorf("%s is no home: nothing in it is yours alone", me.Home)
	}
	me.Home = "/" + home
	return me, nil
}
