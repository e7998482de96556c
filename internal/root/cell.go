package root

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"anicca/internal/sys"
)

// lockExt ends the name of the file beside a cell that is locked for as long as a program has the cell.
const lockExt = ".lock"

// Kinds of cells, which their names begin with.
const (
	lookKind = "look" // where the top level of a filesystem is mounted to be read
	oldKind  = "old"  // where an old root or a base is put together
)

// cell makes a directory that this program alone has, and returns its name. What programs that were killed have left of theirs is taken
// away first. Done takes away the empty directory.
func (at runDir) cell(kind string) (name string, done func() error, err error) {
	at.clear()
	// Locked under another name first: nobody sees a cell that seems to be nobody's.
	temp := sys.TempName()
	unlock, err := at.Lock(temp)
	if err != nil {
		return "", nil, err
	}
	name = fmt.Sprintf("%s-%d-%x", kind, os.Getpid(), time.Now().UnixNano())
	if err = at.Rename(temp, name+lockExt); err != nil {
		_ = at.Remove(temp)
	} else if err = at.Mkdir(name, sys.Mine(0o700)); err != nil {
		_ = at.Remove(name + lockExt)
	}
	if err != nil {
		unlock()
		return "", nil, err
	}
	return name, func() error {
		defer unlock()
		if err := at.leave(name); err != nil {
			return err
		}
		return at.Remove(name + lockExt)
	}, nil
}

// clear takes away the cells of programs that are not there any more: the kernel lets go of a lock with whoever has it. What is still
// in use for some other reason stays; whoever makes the next cell tries again.
func (at runDir) clear() {
	names, err := at.List(".")
	if err != nil {
		return
	}
	for _, n := range names {
		name, ok := strings.CutSuffix(n, lockExt)
		if kind, _, _ := strings.Cut(name, "-"); !ok || kind != lookKind && kind != oldKind {
			continue
		}
		unlock, err := at.Lock(n)
		if err != nil {
			continue
		}
		if at.vacate(name) == nil {
			_ = at.Remove(n)
		}
		unlock()
	}
}

// vacate unmounts what a cell holds, and removes the empty directories that it was mounted at.
func (at runDir) vacate(name string) error {
	if err := at.unmountIn(name, false); err != nil {
		return err
	}
	below, err := at.List(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range below {
		err = errors.Join(err, at.Remove(path.Join(name, n)))
	}
	return errors.Join(err, at.Remove(name))
}

// unmountIn unmounts what is mounted at and below a directory, inner before outer, unless somebody uses it; with lazy, also then: whoever
// does goes on to.
func (at runDir) unmountIn(name string, lazy bool) error {
	for {
		mounts, err := sys.Mounts()
		if err != nil {
			return err
		}
		inner := ""
		for _, m := range mounts {
			p, ok := strings.CutPrefix(m.Mountpoint, at.Name()+"/")
			if ok && (p == name || strings.HasPrefix(p, name+"/")) && len(p) > len(inner) {
				inner = p
			}
		}
		if inner == "" {
			return nil
		}
		if err := at.Unmount(inner, lazy); err != nil {
			return err
		}
	}
}
