package config

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"anicca/internal/decl"
)

//go:embed presets/*.cue
var presetFiles embed.FS

// Presets returns the names of all presets.
func Presets() []string {
	files, err := fs.Glob(presetFiles, "presets/*.cue")
	if err != nil {
		panic("internal error: " + err.Error())
	}
	var out []string
	for _, f := range files {
		out = append(out, strings.TrimSuffix(path.Base(f), ".cue"))
	}
	return out
}

// readPreset evaluates one preset against the schema of a store.
func readPreset(name string) (rawSet, error) {
	data, err := presetFiles.ReadFile("presets/" + name + ".cue")
	if err != nil {
		return rawSet{}, err
	}
	ctx := cuecontext.New()
	v := ctx.CompileString(schemaText).LookupPath(cue.ParsePath("#Store")).Unify(ctx.CompileBytes(data, cue.Filename(name+".cue")))
	var raw rawStore
	if err := v.Decode(&raw); err != nil {
		return rawSet{}, fmt.Errorf("preset %s: %w", name, err)
	}
	return raw.rawSet, nil
}

// use adds the entries of a preset. Where the user writes an entry of it, the user's options win.
func (h *hoster) use(s *decl.Store, name string, raw *rawStore) {
	at := []string{"persist", s.Path, "use", name}
	all := Presets()
	if !slices.Contains(all, name) {
		hint := "known: " + strings.Join(all, ", ")
		if near := similar(name, all); near != "" {
			hint = "did you mean " + near + "?"
		}
		h.say(at, hint, "there is no preset %s", name)
		return
	}
	set, err := readPreset(name)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	for _, list := range []struct {
		kind         decl.Kind
		preset, user map[string]rawEntry
	}{{decl.Directory, set.Directories, raw.Directories}, {decl.File, set.Files, raw.Files}} {
		for _, p := range slices.Sorted(maps.Keys(list.preset)) {
			if own, ok := list.user[p]; ok {
				list.user[p] = own.over(list.preset[p])
				continue
			}
			if h.covered(*s, p) {
				continue
			}
			e := decl.Entry{Path: p, Kind: list.kind, Store: s.Path, Preset: name, Pos: h.places.at(at...)}
			h.options(&e, at, list.preset[p], *raw)
			s.Entries = append(s.Entries, e)
		}
	}
}

// covered reports whether another preset of the store keeps the path already.
func (h *hoster) covered(s decl.Store, p string) bool {
	return slices.ContainsFunc(s.Entries, func(e decl.Entry) bool { return e.Path == p })
}
