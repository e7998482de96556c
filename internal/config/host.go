package config

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
)

// hoster turns the raw declaration into a host and collects what is wrong in its meaning.
type hoster struct {
	o        Options
	places   places
	host     *decl.Host
	stores   []string // paths of enabled stores, sorted
	problems decl.Problems
}

func (h *hoster) say(at []string, hint, format string, args ...any) {
	p := decl.Problem{Path: dotted(at), Msg: dotted(at) + ": " + fmt.Sprintf(format, args...), Hint: hint}
	if all := sortPlaces(slices.Clone(h.places[key(at)])); len(all) > 0 {
		p.Pos, p.Also = all[0], all[1:]
	} else {
		p.Pos = h.places.at(at...)
	}
	h.problems = append(h.problems, p)
}

func (h *hoster) build(raw rawHost) {
	h.host.Root = decl.Root{
		Backend: decl.Backend(raw.Root.Backend),
		Reset:   decl.Reset(raw.Root.Reset),
		Archive: decl.Archive{Count: raw.Root.Archive.Count, Days: raw.Root.Archive.Days},
		Strict:  raw.Root.Strict,
		Size:    raw.Root.Size,
		Pos:     h.places.at("root"),
	}
	if raw.Root.Size != "" && raw.Root.Backend != string(decl.Tmpfs) {
		h.say([]string{"root", "size"}, "leave it out", "only a root in memory, backend \"tmpfs\", has a size")
	}
	for _, p := range slices.Sorted(maps.Keys(raw.Root.Volumes)) {
		at := []string{"root", "volumes", p}
		if raw.Root.Volumes[p].Enable && h.cleanAbsolute(at, p) {
			h.host.Root.Volumes = append(h.host.Root.Volumes, decl.Volume{Path: p, Pos: h.places.at(at...)})
		}
	}
	if all := h.places[key([]string{"root", "reset"})]; len(all) > 0 {
		h.host.Root.Pos = all[0]
	}
	h.host.Stores = []decl.Store{}
	for _, p := range slices.Sorted(maps.Keys(raw.Persist)) {
		if raw.Persist[p].Enable && h.cleanAbsolute([]string{"persist", p}, p) {
			h.stores = append(h.stores, p)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(raw.Persist)) {
		if raw.Persist[p].Enable {
			h.host.Stores = append(h.host.Stores, h.store(p, raw.Persist[p]))
		}
	}
	h.stray(raw)
	if len(h.host.Stores) == 0 && len(h.problems) == 0 {
		pos := h.host.Root.Pos
		if !pos.IsValid() {
			pos.File = h.o.Dir
		}
		h.problems = append(h.problems, decl.Problem{
			Pos: pos, Path: "persist", Msg: "no store is declared: nothing would be kept",
			Hint: `declare one: persist: "/persist": use: base: {}`,
		})
	}
	h.overlaps()
	h.hidden()
	h.software()
	h.keepDeclaration()
	h.ignore(raw.Ignore)
	h.report(raw.Report)
}

// stray reports the names of stores that are switched off too, if they are not paths.
func (h *hoster) stray(raw rawHost) {
	for p, s := range raw.Persist {
		if !s.Enable {
			h.cleanAbsolute([]string{"persist", p}, p)
		}
	}
}

func (h *hoster) store(p string, raw rawStore) decl.Store {
	at := []string{"persist", p}
	s := decl.Store{Path: p, Need: decl.Need(raw.Need), Entries: []decl.Entry{}, Pos: h.places.at(at...)}
	h.use(&s, raw, raw.rawSet, at, nil)
	h.set(&s, raw, raw.rawSet, at, nil)
	for _, name := range slices.Sorted(maps.Keys(raw.Users)) {
		at := append(at[:2:2], "users", name)
		u, ok := h.user(at, name)
		if !ok {
			continue
		}
		h.use(&s, raw, raw.Users[name], at, &u)
		h.set(&s, raw, raw.Users[name], at, &u)
	}
	slices.Sort(s.Off)
	slices.SortStableFunc(s.Entries, func(a, b decl.Entry) int { return strings.Compare(a.Path, b.Path) })
	return s
}

// set adds the entries of one list of directories and one of files. The user is nil for system lists.
func (h *hoster) set(s *decl.Store, raw rawStore, set rawSet, at []string, u *decl.Account) {
	s.Entries = slices.Grow(s.Entries, len(set.Directories)+len(set.Files))
	for _, k := range []struct {
		name string
		kind decl.Kind
		list map[string]rawEntry
	}{{"directories", decl.Directory, set.Directories}, {"files", decl.File, set.Files}} {
		for _, p := range slices.Sorted(maps.Keys(k.list)) {
			at := append(at[:len(at):len(at)], k.name, p)
			abs, ok := h.path(at, p, u)
			if !ok {
				continue
			}
			if !k.list[p].Enable {
				s.Off = append(s.Off, abs)
				continue
			}
			e := decl.Entry{Path: abs, Kind: k.kind, Store: s.Path, Pos: h.places.at(at...)}
			if u != nil {
				e.Home = u.Name
			}
			h.options(&e, at, k.list[p], raw)
			s.Entries = append(s.Entries, e)
		}
	}
}

// options fills what the entry says beside its path.
func (h *hoster) options(e *decl.Entry, at []string, raw rawEntry, store rawStore) {
	e.Method = decl.Method(raw.Method)
	e.Perm = h.perm(at, raw.rawPerm)
	e.Enforce = raw.Enforce != nil && *raw.Enforce
	if e.Enforce && e.Perm == (decl.Perm{}) {
		h.say(append(at[:len(at):len(at)], "enforce"), "write user, group or mode beside it, or leave it out", "there is nothing to enforce")
	}
	e.Parent = h.perm(append(at[:len(at):len(at)], "parentDirectory"), raw.Parent)
	e.MountOptions = h.mountOptions(at, raw.MountOptions)
	e.Phase = decl.Phase(cmp.Or(raw.Phase, string(phaseOf(e.Path))))
	e.Tier = decl.Tier(cmp.Or(raw.Tier, string(decl.TierKeep)))
	switch {
	case e.Path == decl.MachineID:
		if len(h.places[key(append(at[:len(at):len(at)], "method"))]) > 0 {
			h.say(append(at[:len(at):len(at)], "method"), "leave method out", "the first process wants a plain file there: %s is always a copy", e.Path)
		}
		if raw.Phase != "" && raw.Phase != string(decl.PhaseInitrd) {
			h.say(append(at[:len(at):len(at)], "phase"), "leave phase out", "the first process reads %s: it is always there before", e.Path)
		}
		e.Method, e.Phase = decl.Copy, decl.PhaseInitrd
	case e.Method == decl.Symlink && len(e.MountOptions) > 0:
		h.say(append(at[:len(at):len(at)], "mountOptions"), "leave mountOptions out, or method", "a symbolic link is not a mount")
	case e.Method == decl.Carry && len(e.MountOptions) > 0:
		h.say(append(at[:len(at):len(at)], "mountOptions"), `leave mountOptions out, or write method: "bind"`, "a file that is carried is not a mount")
	}
	h.policies(e, at, raw)
	h.desktop(e, at, raw, store)
}

// policies fills what a carried file says of changes on both sides and of deletions.
func (h *hoster) policies(e *decl.Entry, at []string, raw rawEntry) {
	for _, p := range []struct {
		name, said, usual string
		out               *string
	}{{"onConflict", raw.OnConflict, "session", &e.OnConflict}, {"onDelete", raw.OnDelete, "forget", &e.OnDelete}} {
		at := append(at[:len(at):len(at)], p.name)
		switch {
		case p.said == "":
		case e.Method != decl.Carry:
			h.say(at, "leave it out", "it is said of files that are carried; this one is kept by %s", e.Method)
		case slices.Contains(decl.AccountFiles, e.Path):
			h.say(at, "leave it out", "the account files are carried as one set, and must not go different ways")
		case p.said != p.usual:
			*p.out = p.said
		}
	}
}

// keepDeclaration adds the declaration's own directory: without it, the next boot would forget what to keep.
func (h *hoster) keepDeclaration() {
	if h.o.Keep == "" || len(h.host.Stores) == 0 {
		return
	}
	for _, s := range h.host.Stores {
		if within(h.o.Keep, s.Path) {
			return
		}
		for _, e := range s.Entries {
			if e.Kind == decl.Directory && within(h.o.Keep, e.Path) {
				return
			}
		}
	}
	s := &h.host.Stores[0]
	s.Entries = append(s.Entries, decl.Entry{
		Path: path.Clean(h.o.Keep), Kind: decl.Directory, Store: s.Path, Method: decl.Bind, MountOptions: []string{hide},
		Phase: decl.PhaseEarly, Tier: decl.TierKeep, Pos: s.Pos,
	})
	slices.SortStableFunc(s.Entries, func(a, b decl.Entry) int { return strings.Compare(a.Path, b.Path) })
}
