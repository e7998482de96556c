package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"anicca/internal/decl"
	"anicca/internal/sys"
)

// Rebuild makes a new ledger from what lies on the filesystem whose top level is mounted at dir, for when the ledger there
// cannot be read. The damaged one is put aside. It says what it found, a sentence each.
//
// It is conservative: everything in the archive is pinned, what is not plainly ours is left out, and nothing is moved.
// Root is what will be mounted as the root, from the top level; it is empty where nothing is but an overlay.
func Rebuild(dir string, kind decl.Backend, root string, now time.Time) ([]string, error) {
	top, err := sys.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	l := Ledger{Format: ledgerFormat, Backend: kind, Root: root}
	if root == "" {
		l.Backend, l.Root = decl.Overlay, upper
	}
	r := rebuilder{top: top, l: &l}
	if r.intent, err = readIntent(top); err != nil && !errors.Is(err, errIntent) {
		return nil, err
	}
	if r.kind, err = backend(top, &l); err != nil {
		return nil, err
	}
	if l.Filesystem, err = filesystem(top, r.kind); err != nil {
		return nil, err
	}
	if err := errors.Join(r.bases(), r.archive(), r.store()); err != nil {
		return nil, fmt.Errorf("the ledger cannot be rebuilt: %w", err)
	}
	aside := fmt.Sprintf("%s.damaged-%s", ledgerPath, now.UTC().Format("20060102T150405.000Z"))
	if err := putAside(top, ledgerPath, aside); err != nil {
		return nil, err
	}
	if err := l.write(top, now); err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("the ledger was damaged and is rebuilt from what lies on the disk: %d bases and %d old roots, which are pinned; "+
		"the damaged one is %s. Look with 'anicca archive' and 'anicca base' whether that is right", len(l.Bases), len(l.Archive), aside)}, nil
}

// putAside keeps a copy of a file that is about to be replaced. Where it cannot even be read, it is moved.
func putAside(top *sys.Tree, p, aside string) error {
	data, err := top.ReadFile(p)
	switch {
	case missing(err):
		return nil
	case err != nil:
		return top.Rename(p, aside)
	}
	return top.WriteFile(aside, data, sys.Mine(0o600))
}

type rebuilder struct {
	top    *sys.Tree
	l      *Ledger
	kind   Backend
	intent *Intent // of a reset that was interrupted: what that has made is named when it is recovered
}

// bases takes what lies in the places of bases and has not been changed.
func (r rebuilder) bases() error {
	if r.l.Backend == decl.Overlay { // all that is known of base 1 is where it is on a machine that was not repartitioned
		id, err := r.kind.Identity(wholeDisk)
		if err != nil {
			return err
		}
		r.l.Bases = append(r.l.Bases, Base{Number: 1, UUID: id, Path: wholeDisk})
		if at, err := r.top.Exists(basePath(1)); err == nil && at {
			r.l.Bases[0].Path = ""
		}
	}
	names, err := r.kind.List(baseDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 || strconv.Itoa(n) != name {
			continue
		}
		if r.intent != nil && n == r.intent.Freeze {
			continue
		}
		id, err := r.kind.Identity(basePath(n))
		if err != nil || r.kind.Intact(basePath(n), id) != nil {
			continue
		}
		b := Base{Number: n, UUID: id}
		if r.l.Backend == decl.Overlay {
			if n == 1 {
				r.l.Bases[0].UUID = id
				continue
			}
			b.On = n - 1
		}
		r.l.Bases = append(r.l.Bases, b)
	}
	newest, err := r.l.newestBase()
	r.l.Running.Base = newest.Number
	return err
}

// archive takes what lies in the archive under a name of ours.
func (r rebuilder) archive() error {
	for _, dir := range []string{archiveDir, workDir} {
		names, err := r.kind.List(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			n, ok := counterOf(name)
			if !ok || r.intent != nil && (name == r.intent.ID || strings.HasPrefix(name, r.intent.ID+".")) {
				continue
			}
			r.l.Counter = max(r.l.Counter, n)
			stamp := strings.SplitN(name, "-", 2)[1]
			when, err := time.Parse("20060102T150405Z", stamp)
			id, ierr := r.kind.Identity(path.Join(dir, name))
			if err != nil || ierr != nil || id == "" || dir == workDir {
				continue
			}
			o := Old{ID: name, UUID: id, When: when, Pinned: true, Found: true}
			if r.l.Backend == decl.Overlay {
				o.Base = r.l.Running.Base
			}
			r.l.Archive = append(r.l.Archive, o)
		}
	}
	return nil
}

// store finds the main store by the records in it. It says itself where it is mounted.
func (r rebuilder) store() error {
	names, err := r.top.List(".")
	if err != nil {
		return err
	}
	for _, name := range append([]string{anicca + "/store"}, names...) {
		p, err := r.storePath(name)
		if err == nil {
			r.l.Store, r.l.StorePath = name, p
			return nil
		}
	}
	return errors.New("there is no store with a boot plan")
}

// storePath returns where what lies at name is mounted, if it is the main store.
func (r rebuilder) storePath(name string) (string, error) {
	dir, done, err := r.kind.Open(name, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = done() }()
	t, err := sys.OpenTree(dir)
	if err != nil {
		return "", err
	}
	defer t.Close()
	state, err := t.Stat(decl.StateDir)
	if err == nil && (!state.IsDir() || state.Uid != uint32(os.Getuid()) || state.Perm()&0o022 != 0) { // anybody could have made it
		err = fmt.Errorf("%s is not the administrator's alone", t.Path(decl.StateDir))
	}
	if err != nil {
		return "", err
	}
	link, err := t.Readlink(path.Join(decl.StateDir, "current"))
	if err != nil {
		return "", err
	}
	data, err := t.ReadFile(path.Join(decl.StateDir, link, "boot.json"))
	if err != nil {
		return "", err
	}
	var b struct {
		Stores []struct{ Path, Subvol string }
	}
	if err := json.Unmarshal(data, &b); err != nil {
		return "", err
	}
	if len(b.Stores) == 0 || b.Stores[0].Subvol != name && b.Stores[0].Subvol != "" {
		return "", errors.New("its boot plan is of another store")
	}
	return b.Stores[0].Path, nil
}
