package trial

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"syscall"

	"anicca/internal/review"
	"anicca/internal/sys"
)

// What lies in the place of a copy. What was written is apart from where anything is mounted, so that cleaning up meets no mount.
const (
	rootDir   = "mounts/root"
	lowDir    = "mounts/low"
	layersDir = "layers"
)

// copier puts the copy together.
type copier struct {
	Spec
	real, place, root *sys.Tree
	table             []*sys.Mount
	trees             []Tree
	layers            []layer
	placed            map[string]stamp          // of what lies in directories in pieces
	faked             map[string]review.Differs // of directories that are not ours: what the user of a namespace could not make as it is
	shut              map[string]bool           // directories that the user cannot look into
	count             int
	left              error // what others have left could not be removed
}

// layer is what was written in one directory of the copy, and what it is compared with.
type layer struct {
	at       string // path in the copy
	was, now string // directories; see kind
	kind     kind
}

type kind int

const (
	overlay kind = iota // was is in place or the real root, now in place: an upper directory
	pieces              // was is in the real root, now in the copy
	single              // both in place: directories with a copy of one file
)

// copy makes the copy, has the command run in it, and reports.
func (s Spec) copy(came <-chan os.Signal) int {
	out := sys.Inherit(s.Report, "report")
	control := sys.Inherit(s.Control, "control")
	var held *os.File
	if s.Lock > 0 {
		held = sys.Inherit(s.Lock, lockName)
		defer held.Close()
	}
	r := Result{}
	c := &copier{Spec: s, faked: map[string]review.Differs{}, placed: map[string]stamp{}, shut: map[string]bool{}}
	err := c.make()
	if err == nil {
		c.Control, err = sys.Bequeath(control)
	}
	if err == nil && held != nil {
		c.Lock, err = sys.Bequeath(held)
	}
	if err == nil {
		select {
		case got := <-came: // before there was anybody to pass it on to
			r.Code = 128 + int(got.(syscall.Signal))
		default:
			err = c.run(&r)
		}
	}
	if err == nil {
		r.Changes, err = c.changes()
		r.Trees = c.trees
		if used, size, serr := sys.Space(c.place.Name()); serr == nil && size-used < size/256 {
			r.Full, r.Size = true, size
		}
		if used, all, nerr := sys.Names(c.place.Name()); nerr == nil && all > 0 && all-used < all/256+1 {
			r.Full, r.Names = true, all
		}
	}
	if err != nil {
		r.Fault, r.Forbidden = err.Error(), errors.Is(err, sys.ErrNoNamespace)
	}
	if err := errors.Join(c.clean(), c.left); err != nil {
		r.Left = err.Error()
	}
	if err := gob.NewEncoder(out).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, "anicca:", err)
		return OwnFault
	}
	return 0
}

func (c *copier) run(r *Result) error {
	// Without a terminal there are no keys that have to reach all of us, and 'kill 0' can be kept from whoever called.
	p, err := c.start(sys.Spaces{Mounts: true, Processes: true, Group: !sys.HasTerminal()}, "first")
	if err != nil {
		return err
	}
	r.Code, err = sys.Ended(p)
	return err
}

// make makes the copy.
func (c *copier) make() (err error) {
	if err := sys.MakePrivate(); err != nil {
		if !c.Root { // AppArmor of Ubuntu lets a user make namespaces, but do nothing in them
			err = fmt.Errorf("%w: %w", sys.ErrNoNamespace, err)
		}
		return err
	}
	if c.real, err = sys.OpenTree("/"); err != nil {
		return err
	}
	if c.table, err = sys.Mounts(); err != nil {
		return err
	}
	var all *sys.Graft
	if !c.Root { // before anything is mounted that it would show
		if all, err = c.real.Graft("/", true); err != nil {
			return err
		}
		if err := all.ReadOnly(); err != nil {
			return err
		}
	}
	if err := c.prepare(); err != nil {
		return err
	}
	points := c.everything
	if !c.Root {
		points = c.allowed
		if err := all.Attach(c.place, rootDir); err != nil {
			return err
		}
		if c.root, err = sys.OpenTree(c.place.Path(rootDir)); err != nil {
			return err
		}
	}
	for _, p := range points() {
		err := c.show(p)
		if p.path != "/" && errors.Is(err, fs.ErrNotExist) { // unmounted or removed meanwhile
			continue
		}
		if err != nil {
			return err
		}
	}
	for _, p := range []string{path.Join(c.Place, lockName), c.Place} { // only so that nobody wonders what it is
		_ = c.root.Remove(p)
	}
	if err := c.system(); err != nil {
		return err
	}
	for _, p := range c.Real {
		if err := c.through(p); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the place ready, in memory unless a directory was named, or what is in memory has no room for the marks of overlays.
func (c *copier) prepare() error {
	c.left = c.sweep()
	top, err := sys.OpenTree(c.Place)
	if err != nil {
		return err
	}
	if !c.Disk {
		if err := top.Mount("anicca", ".", "tmpfs", []string{"nosuid", "nodev"}, "mode=0700"); err != nil {
			return err
		}
		top.Close()
		if top, err = sys.OpenTree(c.Place); err != nil {
			return err
		}
		if !top.TakesMarks() {
			top.Close()
			if top, err = c.onDisk(); err != nil {
				return err
			}
		}
	}
	c.place = top
	for _, d := range []string{layersDir, "mounts", rootDir, lowDir} {
		if err := top.Mkdir(d, sys.Mine(0o755)); err != nil {
			return err
		}
	}
	return nil
}

func (c *copier) onDisk() (*sys.Tree, error) {
	up, err := sys.OpenTree(path.Dir(c.Place))
	if err != nil {
		return nil, err
	}
	defer up.Close()
	if err := up.Unmount(path.Base(c.Place), false); err != nil {
		return nil, err
	}
	c.Disk = true
	return sys.OpenTree(c.Place)
}

// next is a name for what is made next.
func (c *copier) next(what string) string {
	c.count++
	return path.Join(layersDir, what+strconv.Itoa(c.count))
}

// changes finds what was written.
func (c *copier) changes() ([]review.Change, error) {
	var all []review.Change
	for _, l := range c.layers {
		found, err := c.in(l)
		if l.at != "/" && errors.Is(err, fs.ErrNotExist) { // somebody has removed what it would be compared with
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	review.Sort(all)
	return all, nil
}

// clean removes what lies on a disk. What lies in memory goes with this process.
func (c *copier) clean() error {
	if !c.Disk || c.place == nil {
		return nil
	}
	if c.root != nil {
		c.root.Close()
		if err := c.place.Unmount(rootDir, true); err != nil {
			return err
		}
	}
	lows, err := c.place.List(lowDir)
	if err != nil {
		return err
	}
	for _, l := range lows {
		if err := c.place.Unmount(path.Join(lowDir, l), true); err != nil {
			return err
		}
	}
	return empty(c.place)
}
