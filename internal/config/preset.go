package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"anicca/internal/decl"
)

// defaults is an entry of which nothing is said but its path, by kind.
var defaults = sync.OnceValue(func() map[decl.Kind]rawEntry {
	s := cuecontext.New().CompileString(schemaText)
	var dir, file rawEntry
	for at, raw := range map[string]*rawEntry{"#Directory": &dir, "#File": &file} {
		if err := s.LookupPath(cue.ParsePath(at)).Decode(raw); err != nil {
			panic("internal error: " + err.Error())
		}
	}
	return map[decl.Kind]rawEntry{decl.Directory: dir, decl.File: file}
})

// use adds the entries of the presets that a list names: those of the system, or those of the user's home.
func (h *hoster) use(s *decl.Store, store rawStore, own rawSet, at []string, u *decl.Account) {
	for _, name := range slices.Sorted(maps.Keys(own.Use)) {
		at := append(at[:len(at):len(at)], "use", name)
		said := decl.Use{Preset: name, Off: !own.Use[name].Enable}
		if u != nil {
			said.Home = u.Name
		}
		s.Use = append(s.Use, said)
		if !said.Off {
			h.preset(s, store, own, at, u)
		}
	}
}

// preset adds the entries of one preset. Where the user writes an entry of it, the user's options win.
func (h *hoster) preset(s *decl.Store, store rawStore, own rawSet, at []string, u *decl.Account) {
	name := at[len(at)-1]
	if !slices.Contains(PresetNames(), name) {
		h.say(at, nearPreset(name), "there is no preset %s", name)
		return
	}
	p, err := topics().get(name)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	if !slices.ContainsFunc(p.Entries, func(e decl.PresetEntry) bool { return e.Home == (u != nil) }) {
		h.misplaced(at, p, u)
		return
	}
	for _, e := range p.Entries {
		if e.Home != (u != nil) {
			continue
		}
		rel, ok := e.Path, true
		if e.Folder != "" {
			if rel, ok = h.folder(at, e.Folder, *u); !ok {
				continue
			}
		}
		list := own.Directories
		if e.Kind == decl.File {
			list = own.Files
		}
		raw := presetEntry(e)
		if mine, ok := list[rel]; ok {
			list[rel] = mine.over(raw)
			continue
		}
		abs, ok := h.path(at, rel, u)
		if !ok || slices.ContainsFunc(s.Entries, func(other decl.Entry) bool { return other.Path == abs }) {
			continue // another preset keeps it already
		}
		entry := decl.Entry{Path: abs, Kind: e.Kind, Store: s.Path, Preset: name, Pos: h.places.at(at...)}
		if u != nil {
			entry.Home = u.Name
		}
		h.options(&entry, at, raw, store)
		s.Entries = append(s.Entries, entry)
	}
}

// misplaced reports a preset that has nothing to keep where it stands.
func (h *hoster) misplaced(at []string, p decl.Preset, u *decl.Account) {
	if u != nil {
		h.say(at, "write it in the store: use: "+label(p.Name)+": {}", "the preset %s keeps nothing in homes", p.Name)
		return
	}
	user := "NAME"
	if h.o.Accounts != nil {
		for _, u := range h.o.Accounts.Users() {
			if u.Person() && u.UID != 0 {
				user = label(u.Name)
				break
			}
		}
	}
	h.say(at, fmt.Sprintf("write it for a user: users: %s: use: %s: {}", user, label(p.Name)), "the preset %s keeps only what lies in homes", p.Name)
}

// folder returns where a user has a directory that is named in the user's language.
func (h *hoster) folder(at []string, name string, u decl.Account) (string, bool) {
	if h.o.Accounts == nil {
		return decl.Folders[name], true
	}
	rel, err := h.o.Accounts.Folder(u, name)
	if err != nil {
		hint := "write the directory itself: directories: " + label(decl.Folders[name]) + ": {}, or what it is called, and leave the preset out"
		if errors.Is(err, fs.ErrPermission) {
			hint = "homes are private: run it as root"
		}
		h.say(at, hint, "where %s has the folder %s cannot be known: %v", u.Name, decl.Folders[name], err)
		return "", false
	}
	if rel == "" {
		h.host.Notes = append(h.host.Notes, decl.Problem{
			Pos: h.places.at(at...), Path: dotted(at),
			Msg:  fmt.Sprintf("%s: %s has no folder %s in the home, says user-dirs.dirs: nothing is kept for it", dotted(at), u.Name, decl.Folders[name]),
			Hint: "keep what lies elsewhere by its own path, in the directories of the store",
		})
	}
	return rel, rel != ""
}

// presetEntry is what a preset says of an entry, as if a user had written it.
func presetEntry(e decl.PresetEntry) rawEntry {
	raw := defaults()[e.Kind]
	raw.Phase, raw.Tier = string(e.Phase), string(e.Tier)
	if e.Mode != nil && e.Kind == decl.Directory { // a kept file has the mode that it was adopted with
		raw.Mode = e.Mode.String()
	}
	return raw
}
