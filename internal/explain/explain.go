// Package explain answers for one path of a machine: is it kept, by what, since when, and what happens to it at the next boot.
package explain

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/history"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// Machine is what there is to ask.
type Machine struct {
	Root    *sys.Tree
	Host    *decl.Host
	Facts   *facts.Facts
	Boot    *plan.Boot // the recorded boot plan, nil if nothing was applied yet
	History history.History
	Record  *boot.Record // of this boot, nil if there is none
	Base    *sys.Tree    // what a reset returns to; nil where it cannot be looked at
	Once    string       // what was said of the next boot only, such as "keep"
}

// Answer is what there is to know of one path.
type Answer struct {
	Path      string   `json:"path"`
	Kept      bool     `json:"kept"`             // by an entry that is declared
	Entry     *Entry   `json:"entry,omitempty"`  // that keeps it
	Below     []string `json:"below,omitempty"`  // entries below it
	InStore   bool     `json:"inStore"`          // its kept copy is there
	Limits    []string `json:"limits,omitempty"` // mount options of its store that limit what can be done with it, such as noexec
	InPlace   bool     `json:"inPlace"`          // the path shows it
	Since     *Since   `json:"since,omitempty"`
	Numbers   string   `json:"numbers,omitempty"`   // the declared owner and mode as they were applied, as chown and chmod take them
	Phase     string   `json:"phase,omitempty"`     // by when it has to be there
	Available string   `json:"available,omitempty"` // from when on, in a boot; a sentence
	When      *When    `json:"when,omitempty"`      // the same, for programs
	Before    *Before  `json:"before,omitempty"`    // whether it is there before the unit that was asked for
	Next      Next     `json:"next"`
}

// Entry is what keeps a path.
type Entry struct {
	decl.Entry
	Source string `json:"source"` // of the path that was asked for
	Around bool   `json:"around"` // the path lies in it
}

// Since is the generation from which on an entry is kept.
type Since struct {
	Generation int       `json:"generation"`
	When       time.Time `json:"when"`
}

// Next is what happens at the next boot.
type Next struct {
	What Fate   `json:"what"`
	Why  string `json:"why"` // a sentence
}

// Fate is a word for what happens at the next boot.
type Fate string

const (
	Kept     Fate = "kept"     // put in place from its store
	Stays    Fate = "stays"    // nothing happens to it
	Base     Fate = "base"     // it is as the base has it, now and then
	Returns  Fate = "returns"  // it becomes as the base has it; what is there now goes into the archive
	Archived Fate = "archived" // it is gone from the root, and in the archive
	Gone     Fate = "gone"     // it is made anew
	Missing  Fate = "missing"  // nothing lies there, now or then
)

// Make answers for a clean absolute path.
func Make(m Machine, p string) (*Answer, error) {
	there, err := m.Root.Exists(p)
	if sys.IsLoop(err) {
		return nil, fmt.Errorf("%s: a directory above it is a symbolic link: ask for the path that it leads to", p)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !sys.IsNotDir(err) {
		return nil, err
	}
	a := &Answer{Path: p}
	e, around := m.entry(p)
	if e != nil {
		a.Kept = true
		a.Entry = &Entry{Entry: *e, Source: path.Join(e.Store, p), Around: around}
		a.InStore, _ = m.Root.Exists(a.Entry.Source)
		if at, ok := m.Facts.Mounts.At(e.Store); ok {
			for _, o := range []string{"ro", "noexec", "nosuid", "nodev"} {
				if slices.Contains(at.Options, o) || o == "ro" && at.ReadOnly {
					a.Limits = append(a.Limits, o)
				}
			}
		}
		step := plan.Step{Kind: plan.Kind(e.Method), Path: e.Path, Store: e.Store, Source: e.Source(), Dir: e.Kind == decl.Directory}
		a.InPlace = a.InStore && apply.Verify(m.Root, step) == nil
		if g, ok := m.History.Since(e.Path); ok {
			a.Since = &Since{Generation: g.Number, When: g.When}
		}
		a.Phase = string(e.Phase)
		if s := m.recorded(e.Path); s != nil && s.Path == e.Path {
			w := m.when(*s)
			a.When = &w
			a.Numbers = plan.Words(s.Perm)
			a.Phase = cmp.Or(string(s.Phase), string(decl.PhaseEarly))
		}
		a.Available = m.available(*e, a)
	}
	for _, s := range m.Host.Stores {
		for _, e := range s.Entries {
			if strings.HasPrefix(e.Path, strings.TrimSuffix(p, "/")+"/") {
				a.Below = append(a.Below, e.Path)
			}
		}
	}
	a.Next = m.next(p, e, there)
	return a, nil
}

// entry returns the declared entry that keeps a path, and whether the path lies in it.
func (m Machine) entry(p string) (e *decl.Entry, around bool) {
	for up := p; ; up = path.Dir(up) {
		for _, s := range m.Host.Stores {
			for i, e := range s.Entries {
				if e.Path == up && (up == p || e.Kind == decl.Directory) {
					return &s.Entries[i], up != p
				}
			}
		}
		if up == "/" {
			return nil, false
		}
	}
}

// Ask answers whether the path is there before a unit starts. Show asks systemd.
func (a *Answer) Ask(unit string, show func(units []string) (map[string]Ordered, error)) {
	b := Before{Unit: unit, Answer: "unknown"}
	switch {
	case !a.Kept:
		b.Why = "no entry keeps it: it is there if the root has it"
	case a.When == nil:
		b.Why = "its entry is not applied: run 'anicca apply'"
	default:
		b = before(*a.When, unit, show)
	}
	a.Before = &b
}

// available says from when on in a boot an entry is there.
func (m Machine) available(e decl.Entry, a *Answer) string {
	if a.When == nil {
		return "not before 'anicca apply'"
	}
	text := a.When.text()
	if m.Record != nil {
		for _, r := range m.Record.Entries {
			if r.Path != e.Path {
				continue
			}
			switch r.State {
			case boot.Placed:
				if r.Pass == a.When.Pass {
					return text + "; so it was in this boot"
				}
				return text + "; in this boot it was put in place " + map[boot.Pass]string{
					boot.InInitrd: "in the initrd", boot.Early: "by " + earlyUnit, boot.Late: "by " + lateUnit,
				}[r.Pass]
			case boot.Waiting:
				return "once a program has made it: this boot found it nowhere"
			case boot.Absent:
				return "when its store " + e.Store + " is there: it was not in this boot"
			case boot.Later:
				return text + "; it " + r.Error
			case boot.Missed:
				return "not in this boot: " + r.Error
			}
		}
	}
	if a.InPlace {
		return "since it was put in place in this session; from the next boot on, " + text
	}
	return "from the next boot on, " + text
}

func (m Machine) recorded(p string) *plan.Step {
	if m.Boot == nil {
		return nil
	}
	for up := p; ; up = path.Dir(up) {
		for i, s := range m.Boot.Entries {
			if s.Path == up && (up == p || s.Dir) {
				return &m.Boot.Entries[i]
			}
		}
		if up == "/" {
			return nil
		}
	}
}
