package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"anicca/internal/changes"
	"anicca/internal/review"
	"anicca/internal/sys"
)

// changesOnly finds the changes between two directories in one way, as a process of its own.
func changesOnly(args []string) error {
	if len(args) < 3 {
		return errors.New("changes HOW BASE NOW [KNOWN]")
	}
	known := ""
	if len(args) > 3 {
		known = args[3]
	}
	how, base, now := args[0], args[1], args[2]
	was, err := sys.OpenTree(base)
	if err != nil {
		return err
	}
	defer was.Close()
	is, err := sys.OpenTree(now)
	if err != nil {
		return err
	}
	defer is.Close()
	var found []review.Change
	none := changes.Look{}
	switch how {
	case "floor":
		return searchFloor(was, is)
	case "calls":
		return overlayCalls(base, now)
	case "btrfs":
		found, err = changes.Btrfs(was, is, none)
	case "overlay":
		found, err = changes.Overlay(was, is, none)
	case "walk":
		found, err = walkOnly(was, is, known)
	}
	if n := len(found); err == nil && (n < 1450 || n > 1600) {
		err = fmt.Errorf("%d changes, not 1500", n)
	}
	return err
}

// walkOnly walks, and remembers what it has learnt of the base in a file, if that is named.
func walkOnly(was, is *sys.Tree, file string) ([]review.Change, error) {
	if file == "" {
		return changes.Walk(was, is, changes.Look{})
	}
	k := changes.NewKnown("bench", func() []byte { data, _ := os.ReadFile(file); return data })
	found, err := changes.Walk(was, is, changes.Look{Known: k})
	if data, more := k.Data(); more && err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	return found, err
}

// searchFloor asks btrfs in the plain way: one search for what was written since, and then, for every inode that was, itself in
// both trees, and its entries if it is a directory. It says nothing of what it finds.
func searchFloor(was, now *sys.Tree) error {
	v, err := was.Subvolume(".")
	if err != nil {
		return err
	}
	top := sys.Key{Object: sys.TopInode}
	end := sys.Key{Object: ^uint64(255), Type: 255, Offset: ^uint64(0)}
	type one struct {
		inode uint64
		dir   bool
	}
	var changed []one
	s := now.Search(4 << 20)
	for i := range s.Items(top, end, v.Transaction+1) {
		if n, ok := sys.ParseInode(i.Data); i.Type == sys.InodeItem && ok && n.Transaction > v.Transaction {
			changed = append(changed, one{i.Object, n.Mode&syscall.S_IFMT == syscall.S_IFDIR})
		}
	}
	small := []*sys.Search{was.Search(64 << 10), now.Search(64 << 10)}
	for _, c := range changed {
		for _, s := range small {
			for range s.Items(sys.Key{Object: c.inode}, sys.Key{Object: c.inode, Type: sys.XattrItem, Offset: ^uint64(0)}, 0) {
			}
			if c.dir {
				for range s.Items(sys.Key{Object: c.inode, Type: sys.DirIndex}, sys.Key{Object: c.inode, Type: sys.DirIndex, Offset: ^uint64(0)}, 0) {
				}
			}
		}
	}
	return errors.Join(s.Err(), small[0].Err(), small[1].Err())
}
