// Package zfstest is a pool in memory, for tests of what anicca does with ZFS on machines that have none.
//
// It knows the commands that anicca runs and refuses all others. What it refuses of them, and in which words, and what a
// rename, a promotion or a changed property does to other datasets, is what OpenZFS 2.1 does.
package zfstest

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"anicca/internal/sys"
)

// Pool is one imported pool.
type Pool struct {
	Log []string // every command line so far, and "show DATASET"

	name   string
	sets   map[string]*set
	bootfs *set
	guids  int
	paths  map[string]*set // what is mounted where
}

// set is a filesystem. Its name may change; others point to it.
type set struct {
	name   string
	guid   string
	local  map[string]string // properties set on it
	origin *snap
	snaps  []*snap // oldest first
	key    *set    // whose key it is encrypted with, if that is not what its parent is encrypted with
	files  map[string]string
}

type snap struct {
	name  string // behind the @
	guid  string
	of    *set
	files map[string]string
}

func (s *snap) full() string { return s.of.name + "@" + s.name }

// New makes a pool that holds nothing but its own top.
func New(name string) *Pool {
	p := &Pool{name: name, sets: map[string]*set{}, paths: map[string]*set{}}
	p.add(name, map[string]string{"mountpoint": "none", "canmount": "off"})
	return p
}

func (p *Pool) add(name string, local map[string]string) *set {
	s := &set{name: name, guid: p.guid(), local: map[string]string{}, files: map[string]string{}}
	maps.Copy(s.local, local)
	p.sets[name] = s
	return s
}

func (p *Pool) guid() string {
	p.guids++
	return fmt.Sprintf("%d", 1000+p.guids)
}

// names are those of all filesystems, sorted as zfs sorts them.
func (p *Pool) names() []string { return slices.Sorted(maps.Keys(p.sets)) }

// within are the filesystems at and below one.
func (p *Pool) within(name string) []*set {
	var out []*set
	for _, n := range p.names() {
		if n == name || strings.HasPrefix(n, name+"/") {
			out = append(out, p.sets[n])
		}
	}
	return out
}

// clones are the filesystems that began as a snapshot.
func (p *Pool) clones(of *snap) []string {
	var out []string
	for _, n := range p.names() {
		if p.sets[n].origin == of {
			out = append(out, n)
		}
	}
	return out
}

// value returns a property of a filesystem and where it comes from.
func (p *Pool) value(s *set, name string) (value, source string) {
	if v, ok := s.local[name]; ok {
		return v, "local"
	}
	if name == "canmount" { // not inherited
		return "on", "default"
	}
	for up := path.Dir(s.name); up != "."; up = path.Dir(up) {
		v, ok := p.sets[up].local[name]
		if !ok {
			continue
		}
		if name == "mountpoint" && strings.HasPrefix(v, "/") {
			v = path.Join(v, strings.TrimPrefix(s.name, up))
		}
		return v, "inherited from " + up
	}
	els := map[string]string{
		"mountpoint": "/" + s.name, "readonly": "off", "compression": "off", "keylocation": "none",
		"reservation": "0", "refreservation": "0", "acltype": "off", "xattr": "on",
	}
	return cmp.Or(els[name], "-"), "default"
}

// Encrypt gives a filesystem a key of its own.
func (p *Pool) Encrypt(dataset string) { p.sets[dataset].key = p.sets[dataset] }

func (p *Pool) key(s *set) *set {
	for ; s != nil; s = p.sets[path.Dir(s.name)] {
		if s.key != nil {
			return s.key
		}
	}
	return nil
}

// Mount tells the pool that a filesystem is mounted at a directory, so that commands can name it by that.
func (p *Pool) Mount(dataset, dir string) { p.paths[dir] = p.sets[dataset] }

// Reboot forgets what is mounted where.
func (p *Pool) Reboot() { clear(p.paths) }

// Exists reports whether there is such a filesystem.
func (p *Pool) Exists(dataset string) bool { return p.sets[dataset] != nil }

// Write writes a file as a session does. It fails on a read-only filesystem.
func (p *Pool) Write(dataset, file, text string) error {
	s := p.sets[dataset]
	if s == nil {
		return fmt.Errorf("%s does not exist", dataset)
	}
	if ro, _ := p.value(s, "readonly"); ro == "on" {
		return fmt.Errorf("%s is read-only", dataset)
	}
	s.files[file] = text
	return nil
}

// Read returns the text of a file, "" if there is none.
func (p *Pool) Read(dataset, file string) string {
	if s := p.sets[dataset]; s != nil {
		return s.files[file]
	}
	return ""
}

// Automounted returns where 'zfs mount -a' would mount what.
func (p *Pool) Automounted() map[string][]string {
	out := map[string][]string{}
	for _, n := range p.names() {
		can, _ := p.value(p.sets[n], "canmount")
		if at, _ := p.value(p.sets[n], "mountpoint"); can == "on" && strings.HasPrefix(at, "/") {
			out[at] = append(out[at], n)
		}
	}
	return out
}

// Show lays the files of a filesystem out in a directory.
func (p *Pool) Show(dataset string) (string, func() error, error) {
	p.Log = append(p.Log, "show "+dataset)
	s := p.sets[dataset]
	if s == nil {
		return "", nil, fmt.Errorf("mount %s: %w", dataset, os.ErrNotExist)
	}
	if sys.Fault != nil {
		if err := sys.Fault("mount", dataset); err != nil {
			return "", nil, err
		}
	}
	dir, err := os.MkdirTemp("", "zfstest-")
	for f, text := range s.files {
		at := filepath.Join(dir, f)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(at), 0o755)
		}
		if to, link := strings.CutPrefix(text, "-> "); err == nil && link {
			err = os.Symlink(to, at)
		} else if err == nil {
			err = os.WriteFile(at, []byte(text), 0o644)
		}
	}
	return dir, func() error { return os.RemoveAll(dir) }, err
}
