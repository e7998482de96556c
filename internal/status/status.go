// Package status says how a machine stands: what the last boot did, and every entry.
package status

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"anicca/internal/apply"
	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/report"
	"anicca/internal/root"
	"anicca/internal/sys"
)

// Status is how a machine stands.
type Status struct {
	OK       bool     `json:"ok"`
	Armed    bool     `json:"armed"` // the next boot resets the root: a boot knows what was applied, and nothing else
	Reset    string   `json:"reset"` // as declared
	Boot     Boot     `json:"boot"`
	Entries  []Entry  `json:"entries"`
	Watch    *Watch   `json:"watch,omitempty"`
	Counted  *Counted `json:"counted,omitempty"`
	Problems []string `json:"problems,omitempty"` // each a sentence; a healthy machine has none
	Notes    []string `json:"notes,omitempty"`
}

// Counted is the last report of how much the next reset would drop.
type Counted struct {
	When   time.Time     `json:"when"`
	Report report.Report `json:"report"`
}

// Boot is what the last boot did.
type Boot struct {
	Outcome    string  `json:"outcome"`
	Why        string  `json:"why,omitempty"`
	Backend    string  `json:"backend,omitempty"`
	Made       string  `json:"made,omitempty"` // what the root is, in a sentence
	Base       int     `json:"base,omitempty"`
	Archive    string  `json:"archive,omitempty"`
	Generation int     `json:"generation,omitempty"`
	MS         float64 `json:"ms,omitempty"`     // how long the reset took
	OnBase     bool    `json:"onBase,omitempty"` // the base itself is the root: what is changed stays changed
}

// Entry is how one declared entry stands.
type Entry struct {
	Path     string `json:"path"`
	Method   string `json:"method"`
	InStore  bool   `json:"inStore"`
	InPlace  bool   `json:"inPlace"`
	Verified bool   `json:"verified"` // by the boot and by the late service
	Waiting  bool   `json:"waiting,omitempty"`
	Pass     string `json:"pass,omitempty"` // the part of the boot that put it in place, if not the initrd
	Error    string `json:"error,omitempty"`
	Why      string `json:"why"`
}

// Machine is what there is to compare.
type Machine struct {
	Host   *decl.Host
	Plan   *plan.Plan
	Boot   *plan.Boot     // what was applied last; nil if nothing was
	Record *boot.Record   // of this boot; nil if there is none
	Tree   *sys.Tree      // the root
	Root   error          // what is wrong with the running root, nil if it is the one that this boot made
	Watch  *Watch         // nil where it is not looked for
	Disk   *root.Disk     // nil where it cannot be looked at
	Last   *report.Report // nil if there was none in this boot
}

// Make compares the declaration, its plan and the record of this boot with the machine.
func Make(m Machine) *Status {
	host, p, r, tree := m.Host, m.Plan, m.Record, m.Tree
	s := &Status{Reset: string(host.Root.Reset), Armed: m.Boot != nil && m.Boot.Reset == decl.ResetOn, Entries: []Entry{}}
	s.boot(r, m.Disk != nil)
	if m.Last != nil {
		s.Counted = &Counted{time.Unix(m.Last.When, 0), *m.Last}
	}
	verified := map[string]boot.Entry{}
	if r != nil && r.Finished {
		for _, e := range r.Entries {
			verified[e.Path] = e
		}
	}
	todo := map[string]bool{}
	for _, step := range p.Steps {
		todo[step.Path] = true
	}
	for _, store := range host.Stores {
		for _, e := range store.Entries {
			s.entry(e, verified[e.Path], tree, todo[e.Path])
		}
	}
	slices.SortFunc(s.Entries, func(a, b Entry) int {
		if a.Path < b.Path {
			return -1
		}
		return 1
	})
	s.pending(m)
	s.watch(m)
	if m.Root != nil {
		s.problem("the running root is not the one that this boot made: %v", m.Root)
	}
	if m.Disk != nil {
		s.disk(m.Disk)
	}
	if r != nil && r.StorePath != "" {
		dir := path.Join(r.StorePath, apply.AsideDir)
		if names, err := tree.List(dir); err == nil && len(names) > 0 {
			s.note("versions of carried files lie aside in %s: look at them, and remove what is not wanted", dir)
		}
	}
	for _, c := range p.Conflicts {
		s.problem("%s: %s (%s): %s", c.Path, c.Msg, c.Why, c.Hint)
	}
	for _, d := range p.Drift {
		s.note("%s: %s (%s)", d.Path, d.Msg, d.Why)
	}
	if len(p.Steps) > 0 {
		steps := "1 step"
		if n := len(p.Steps); n > 1 {
			steps = fmt.Sprintf("%d steps", n)
		}
		s.problem("the declaration is not applied: %s to do: run 'anicca apply'", steps)
	}
	s.OK = len(s.Problems) == 0
	return s
}

func (s *Status) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

func (s *Status) boot(r *boot.Record, setUp bool) {
	if r == nil {
		s.Boot.Outcome = "unknown"
		if sys.Container() {
			s.problem("this is a container, whose root is not reset by anicca")
			return
		}
		s.problem("there is no record of this boot: it was the one before 'anicca init', or neither the initrd nor init= on the kernel command line runs anicca: reboot; if it stays so, run 'anicca init' again and read what it says last")
		return
	}
	s.Boot = Boot{Outcome: string(r.Outcome), Why: r.Why, Backend: string(r.Backend), Generation: r.Generation, OnBase: r.OnBase}
	justNow := r.Outcome == boot.Unset && setUp
	if justNow {
		s.Boot.Why = "it was the one before 'anicca init'"
	}
	if r.Made != nil {
		s.Boot.Made = r.Made.String()
		s.Boot.Base, s.Boot.Archive = r.Made.Base, r.Made.Archive
	}
	for _, t := range r.Steps {
		if t.Name == "reset" {
			s.Boot.MS = t.MS
		}
	}
	s.Problems = append(s.Problems, r.Problems...)
	s.Notes = append(s.Notes, r.Recovered...)
	s.Notes = append(s.Notes, r.Notes...)
	if r.Kexec {
		s.note("this kernel was started by another one (kexec): the boot loader may choose another kernel next time")
	}
	if r.RAM {
		s.Notes = append(s.Notes, "the root is in memory: a crash or a power cut loses what this session wrote, but for what is kept; an orderly shutdown puts it into the archive")
	}
	if full := boot.Fill(); full != "" && !slices.Contains(r.Problems, full) {
		s.problem("%s", full)
	}
	switch {
	case r.Outcome == boot.Off:
		s.problem("anicca is off in this session: nothing of what is written now is kept, unless it lies in the store; reboot without anicca=off")
	case justNow:
		s.problem("this machine was set up after it had booted: reboot")
	case r.Outcome == boot.Unset:
		s.problem("the last boot found nothing to do: %s", r.Why)
	case r.Outcome == boot.Pending:
		s.problem("the second part of the initrd's work has not run: rebuild the initrd, as 'anicca init' does")
	case r.Outcome == boot.Done && !r.Verified:
		s.problem("the running root was not verified to be the one that this boot made")
	case !r.Finished:
		s.problem("the late check of this boot has not run: systemctl status anicca.service")
	case r.Open():
		s.problem("what comes late is not in place yet: that is the work of anicca-late.service, before logins; where there is no such unit, run 'anicca init' again")
	}
}

// disk looks at what lies on the root's filesystem.
func (s *Status) disk(d *root.Disk) {
	l := d.Ledger()
	switch {
	case l.Next != nil && l.Next.ID != "":
		s.note("the next boot begins as old root %s, once ('anicca next clear' takes that back)", l.Next.ID)
	case l.Next != nil:
		s.note("'anicca next %s' was said ('anicca next clear' takes that back)", l.Next.What)
	}
	if l.Freeze != 0 {
		s.note("at the next boot the root becomes base %d, as it is then", l.Freeze)
	}
	if marked, err := d.Marked(); err == nil && marked {
		s.note("the file anicca/keep lies on the top level of the filesystem: the root is kept until it is removed")
	}
	if _, err := d.Base(); err != nil {
		s.problem("the next reset cannot be done: %v", err)
	}
	foreign, err := d.Foreign()
	if err != nil {
		s.problem("%v", err)
	}
	for _, p := range foreign {
		s.note("%s on the top level of the filesystem is not in the ledger: it is never touched", p)
	}
	if used, size, err := sys.Space(d.Top()); err == nil && size > 0 && size-used < size/50 {
		s.problem("the filesystem is full: %d of %d MiB are free; old roots take part of it: 'anicca archive' lists them, 'anicca archive drop ID' drops one",
			(size-used)>>20, size>>20)
	}
}

func (s *Status) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// pending notes what is in place in this session and not declared any more.
func (s *Status) pending(m Machine) {
	for _, n := range m.Plan.Pending {
		s.note("%s %s", n.Path, n.Msg)
	}
	if m.Record == nil {
		return
	}
	for _, e := range m.Record.Entries {
		target, err := m.Tree.Readlink(e.Path)
		for _, store := range m.Host.Stores {
			if err == nil && target == store.Path+e.Path && !slices.ContainsFunc(s.Entries, func(d Entry) bool { return d.Path == e.Path }) {
				s.note("%s is not declared any more, and links to its kept copy until the next boot; 'anicca forget %s' puts a file there if no program uses it", e.Path, e.Path)
			}
		}
	}
}

// entry looks how an entry stands. What is still to be done for one that no boot has seen is said once, of all of them.
func (s *Status) entry(e decl.Entry, seen boot.Entry, tree *sys.Tree, todo bool) {
	out := Entry{Path: e.Path, Method: string(e.Method), Why: e.Pos.String(), Verified: seen.State == boot.Placed, Error: seen.Error, Pass: string(seen.Pass)}
	there, err := tree.Exists(e.Source())
	out.InStore = there && err == nil
	step := plan.Step{Kind: plan.Kind(e.Method), Path: e.Path, Store: e.Store, Source: e.Source(), Dir: e.Kind == decl.Directory}
	verr := apply.Verify(tree, step)
	out.InPlace = verr == nil && out.InStore
	out.Waiting = !out.InStore && e.Kind == decl.File && (verr == nil || errors.Is(verr, fs.ErrNotExist))
	if seen.State == boot.Missed && out.InPlace {
		out.Error = ""
	}
	s.Entries = append(s.Entries, out)
	switch {
	case seen.State == boot.Absent: // said of its store, as loudly as that deserves
	case seen.State == "" && todo && !out.InPlace:
	case seen.State == boot.Later && !out.InPlace:
		s.note("%s %s", e.Path, seen.Error)
	case out.Waiting && exists(tree, e.Path):
		s.note("%s is not in its store yet: 'anicca apply' copies it, and so does the next boot", e.Path)
	case out.Waiting:
		s.Notes = append(s.Notes, e.Path+" does not exist yet; it is kept once it does")
	case !out.InPlace && err != nil:
		s.problem("%s: %v", e.Path, err)
	case !out.InPlace:
		s.problem("%s is not in place: %v", e.Path, verr)
	}
}

func exists(tree *sys.Tree, p string) bool {
	there, err := tree.Exists(p)
	return there && err == nil
}
