package config

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/parser"

	"anicca/internal/decl"
)

//go:embed presets/*.cue
var presetFiles embed.FS

//go:embed preset.cue
var presetSchema string

type rawPreset struct {
	What        string                    `json:"what"`
	Hazard      string                    `json:"hazard"`
	Signs       decl.Signs                `json:"signs"`
	Directories map[string]rawPresetEntry `json:"directories"`
	Files       map[string]rawPresetEntry `json:"files"`
	Home        struct {
		Directories map[string]rawPresetEntry `json:"directories"`
		Files       map[string]rawPresetEntry `json:"files"`
		Folders     map[string]rawPresetEntry `json:"folders"`
	} `json:"home"`
}

type rawPresetEntry struct {
	Phase    decl.Phase      `json:"phase"`
	Tier     decl.Tier       `json:"tier"`
	Mode     *decl.Mode      `json:"mode"`
	ModeFrom decl.ModeSource `json:"modeFrom"`
	Hazard   string          `json:"hazard"`
}

// topics is the catalogue, parsed when it is first asked for.
var topics = sync.OnceValue(func() *catalogue {
	c, err := openCatalogue()
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return c
})

// catalogue evaluates presets as they are asked for: a declaration names a few of many.
type catalogue struct {
	topic  map[string]string
	fields map[string]*ast.Field // each preset as it is written

	mu      sync.Mutex // a context of CUE is no place for two
	ctx     *cue.Context
	schema  cue.Value
	presets map[string]decl.Preset
}

func openCatalogue() (*catalogue, error) {
	c := &catalogue{
		topic: map[string]string{}, fields: map[string]*ast.Field{}, presets: map[string]decl.Preset{}, ctx: cuecontext.New(),
	}
	c.schema = c.ctx.CompileString(presetSchema, cue.Filename("preset.cue")).LookupPath(cue.ParsePath("#Preset"))
	files, err := fs.Glob(presetFiles, "presets/*.cue")
	for _, f := range files {
		data, err := presetFiles.ReadFile(f)
		if err != nil {
			return nil, err
		}
		parsed, err := parser.ParseFile(f, data)
		if err != nil {
			return nil, err
		}
		topic := strings.TrimSuffix(path.Base(f), ".cue")
		for _, d := range parsed.Decls {
			field, ok := d.(*ast.Field)
			if !ok {
				continue // a comment
			}
			name, _, err := ast.LabelName(field.Label)
			if err != nil {
				return nil, err
			}
			if other, twice := c.topic[name]; twice {
				return nil, fmt.Errorf("preset %s is in two files: %s and %s", name, other, topic)
			}
			c.topic[name], c.fields[name] = topic, field
		}
	}
	return c, err
}

// get evaluates one preset.
func (c *catalogue) get(name string) (decl.Preset, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.presets[name]; ok {
		return p, nil
	}
	var raw rawPreset
	file := &ast.File{Filename: c.topic[name] + ".cue", Decls: []ast.Decl{c.fields[name]}}
	v := c.schema.Unify(c.ctx.BuildFile(file).LookupPath(cue.MakePath(cue.Str(name))))
	if err := errors.Join(v.Validate(cue.Concrete(true), cue.Final()), v.Decode(&raw)); err != nil {
		return decl.Preset{}, fmt.Errorf("preset %s: %w", name, err)
	}
	p := decl.Preset{Name: name, Topic: c.topic[name], What: raw.What, Hazard: raw.Hazard, Signs: raw.Signs}
	for _, l := range []struct {
		list         map[string]rawPresetEntry
		kind         decl.Kind
		home, folder bool
	}{
		{raw.Directories, decl.Directory, false, false},
		{raw.Files, decl.File, false, false},
		{raw.Home.Directories, decl.Directory, true, false},
		{raw.Home.Folders, decl.Directory, true, true},
		{raw.Home.Files, decl.File, true, false},
	} {
		for _, at := range slices.Sorted(maps.Keys(l.list)) {
			r := l.list[at]
			e := decl.PresetEntry{
				Path: at, Kind: l.kind, Home: l.home,
				Phase: r.Phase, Tier: r.Tier, Mode: r.Mode, ModeFrom: r.ModeFrom, Hazard: r.Hazard,
			}
			if l.folder {
				e.Folder, e.Path = at, decl.Folders[at]
				if e.Path == "" {
					return decl.Preset{}, fmt.Errorf("preset %s: there is no folder %s", name, at)
				}
			}
			p.Entries = append(p.Entries, e)
		}
	}
	c.presets[name] = p
	return p, nil
}

// Presets returns the catalogue, sorted by topic and name.
func Presets() []decl.Preset {
	c := topics()
	var out []decl.Preset
	for _, name := range PresetNames() {
		p, err := c.get(name)
		if err != nil {
			panic("internal error: " + err.Error())
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b decl.Preset) int { return strings.Compare(a.Topic, b.Topic) })
	return out
}

// FindPresets returns the presets of these names, or all if there are none. Its error names every name that is unknown.
func FindPresets(wanted []string) ([]decl.Preset, error) {
	if len(wanted) == 0 {
		return Presets(), nil
	}
	var out []decl.Preset
	var errs []error
	for _, name := range wanted {
		if _, ok := topics().topic[name]; !ok {
			errs = append(errs, fmt.Errorf("there is no preset %s; %s", name, nearPreset(name)))
			continue
		}
		p, err := topics().get(name)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, errors.Join(errs...)
}

func nearPreset(name string) string {
	if near := similar(name, PresetNames()); near != "" {
		return "did you mean " + near + "?"
	}
	return "'anicca presets' lists them"
}

// PresetNames returns the names of all presets, sorted.
func PresetNames() []string { return slices.Sorted(maps.Keys(topics().topic)) }
