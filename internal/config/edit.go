package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"anicca/internal/decl"
)

// Wish is a path that shall be kept, or a preset that shall be used.
type Wish struct {
	Path   string
	Kind   decl.Kind
	Store  string
	Preset string // in place of path and kind
	Home   string // name of the user in whose home the preset keeps something; empty for what it keeps in the system
}

// Edit is a change to the files of a declaration that is not written yet.
type Edit struct {
	Host  *decl.Host // what the declaration would be
	Files []Edited   // none if nothing has to be written
}

// Edited is a file of a declaration before and after a change. All that the change is not about is the same, to the byte.
type Edited struct {
	Path     string
	Old, New []byte
}

// Keep adds entries to a declaration, in the lists that are there already, and patterns to what a review shall ignore, and
// evaluates it with them. Paths that are kept or ignored already need no entry. Its error is a [decl.Problems] if the
// declaration would be wrong, and a [ByHand] if no file of it can be edited.
func Keep(o Options, wishes []Wish, ignore ...string) (*Edit, error) {
	e, err := begin(o)
	if err != nil {
		return nil, err
	}
	for _, w := range wishes {
		do := e.keep
		if w.Preset != "" {
			do = e.use
		}
		if err := do(w); err != nil {
			return nil, err
		}
	}
	for _, p := range ignore {
		if err := e.ignore(p); err != nil {
			return nil, err
		}
	}
	return e.end(nil)
}

// Forget takes entries out of a declaration and evaluates it without them. Where an entry comes from a preset, or from
// a file that is not to be edited, it is switched off.
func Forget(o Options, entries []decl.Entry) (*Edit, error) {
	e, err := begin(o)
	if err != nil {
		return nil, err
	}
	var gone []string
	for _, x := range entries {
		if err := e.forget(x); err != nil {
			return nil, err
		}
		gone = append(gone, x.Path)
	}
	return e.end(gone)
}

// editor changes the files of a declaration in memory.
type editor struct {
	o      Options
	texts  []source
	old    []source
	before *decl.Host
	host   *decl.Host // with the changes so far
}

func begin(o Options) (*editor, error) {
	texts, problems, err := read(o)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems.Sort()
	}
	host, err := load(o, texts)
	if err != nil {
		return nil, err
	}
	return &editor{o: o, texts: slices.Clone(texts), old: texts, before: host, host: host}, nil
}

// evaluate looks what the declaration is with the changes so far.
func (e *editor) evaluate(what string) error {
	host, err := load(e.o, e.texts)
	if problems, ok := errors.AsType[decl.Problems](err); ok {
		return append(problems, decl.Problem{
			Pos: decl.Pos{File: e.o.Dir}, Msg: "nothing was written: the declaration would be wrong with " + what,
		})
	}
	e.host = host
	return err
}

// nameable refuses a path that no file of a declaration can hold: those are texts in UTF-8.
func (e *editor) nameable(p string) error {
	if utf8.ValidString(p) {
		return nil
	}
	return decl.Problems{{
		Pos: decl.Pos{File: e.o.Dir}, Msg: fmt.Sprintf("%q is not UTF-8, so that no declaration can name it", p),
		Hint: "rename it, or keep the directory that it lies in",
	}}
}

func (e *editor) keep(w Wish) error {
	if err := e.nameable(w.Path); err != nil {
		return err
	}
	what := w.Path + " kept"
	at, key := e.list(w.Path, w.Kind, w.Store, "")
	if e.drop(append(slices.Clone(at), key, "enable"), isFalse) {
		if err := e.evaluate(what); err != nil {
			return err
		}
	}
	if has(e.host, w.Path) {
		return nil
	}
	if err := e.add(at, key, "{}"); err != nil {
		return err
	}
	if err := e.evaluate(what); err != nil {
		return err
	}
	if !has(e.host, w.Path) {
		return decl.Problems{{
			Pos: decl.Pos{File: e.o.Dir}, Path: dotted(append(at, key)),
			Msg:  fmt.Sprintf("%s would not be kept with an entry either: another file switches it off", w.Path),
			Hint: "look for enable: false",
		}}
	}
	return nil
}

func (e *editor) use(w Wish) error {
	at, what := []string{"persist", w.Store}, "the preset "+w.Preset
	if w.Home != "" {
		at, what = append(at, "users", w.Home), what+" of "+w.Home
	}
	at, what = append(at, "use"), what+" used"
	if e.drop(append(slices.Clone(at), w.Preset, "enable"), isFalse) {
		if err := e.evaluate(what); err != nil {
			return err
		}
	}
	used := func() bool {
		return slices.ContainsFunc(e.host.Stores, func(s decl.Store) bool {
			return slices.Contains(s.Use, decl.Use{Preset: w.Preset, Home: w.Home})
		})
	}
	if used() {
		return nil
	}
	if err := e.add(at, w.Preset, "{}"); err != nil {
		return err
	}
	if err := e.evaluate(what); err != nil {
		return err
	}
	if !used() {
		return decl.Problems{{
			Pos: decl.Pos{File: e.o.Dir}, Path: dotted(append(at, w.Preset)),
			Msg:  fmt.Sprintf("the preset %s would not be used with a line either: another file switches it off", w.Preset),
			Hint: "look for enable: false",
		}}
	}
	return nil
}

func (e *editor) ignore(pattern string) error {
	if err := e.nameable(pattern); err != nil {
		return err
	}
	what := pattern + " ignored"
	if e.drop([]string{"ignore", pattern, "enable"}, isFalse) {
		if err := e.evaluate(what); err != nil {
			return err
		}
	}
	ignored := func() bool {
		return slices.ContainsFunc(e.host.Ignore, func(n decl.Noise) bool { return n.Pattern == pattern })
	}
	if ignored() {
		return nil
	}
	if err := e.add([]string{"ignore"}, pattern, "{}"); err != nil {
		return err
	}
	if err := e.evaluate(what); err != nil {
		return err
	}
	if !ignored() {
		return decl.Problems{{
			Pos: decl.Pos{File: e.o.Dir}, Path: dotted([]string{"ignore", pattern}),
			Msg:  fmt.Sprintf("%s would not be ignored with a line either: another file switches it off", pattern),
			Hint: "look for enable: false",
		}}
	}
	return nil
}

func (e *editor) forget(x decl.Entry) error {
	what := x.Path + " forgotten"
	at, key := e.list(x.Path, x.Kind, x.Store, x.Home)
	if e.drop(append(slices.Clone(at), key), nil) {
		if err := e.evaluate(what); err != nil {
			return err
		}
	}
	if !has(e.host, x.Path) {
		return nil
	}
	if err := e.add(at, key, "enable: false"); err != nil {
		return err
	}
	if err := e.evaluate(what); err != nil {
		return err
	}
	if has(e.host, x.Path) {
		return decl.Problems{{
			Pos: x.Pos, Path: dotted(append(at, key)), Msg: fmt.Sprintf("%s is kept always: it is the declaration itself", x.Path),
			Hint: "nothing was written",
		}}
	}
	return nil
}

// list returns the list that an entry stands in, or would, and its name there.
func (e *editor) list(p string, kind decl.Kind, store, home string) (at []string, key string) {
	name := "directories"
	if kind == decl.File {
		name = "files"
	}
	h := hoster{o: e.o}
	u, ok := h.homeOf(p)
	if home != "" {
		u, ok = h.user(nil, home)
	}
	if ok {
		return []string{"persist", store, "users", u.Name, name}, strings.TrimPrefix(p, u.Home+"/")
	}
	return []string{"persist", store, name}, p
}

// end makes sure that nothing else has changed, and returns the edit.
func (e *editor) end(gone []string) (*Edit, error) {
	for _, s := range e.before.Stores {
		for _, x := range s.Entries {
			if y, ok := find(e.host, x.Path); !slices.Contains(gone, x.Path) && x.Preset == "" && (!ok || !same(x, y)) {
				return nil, decl.Problems{{
					Pos: x.Pos, Path: x.Path, Msg: x.Path + " would change with that: nothing was written", Hint: "edit the declaration by hand",
				}}
			}
		}
	}
	out := &Edit{Host: e.host}
	for i, t := range e.texts {
		if string(t.data) != string(e.old[i].data) {
			out.Files = append(out.Files, Edited{Path: t.path, Old: e.old[i].data, New: t.data})
		}
	}
	return out, nil
}

func find(host *decl.Host, p string) (decl.Entry, bool) {
	for _, s := range host.Stores {
		for _, x := range s.Entries {
			if x.Path == p {
				return x, true
			}
		}
	}
	return decl.Entry{}, false
}

func has(host *decl.Host, p string) bool {
	_, ok := find(host, p)
	return ok
}

// same compares two entries apart from where they are written.
func same(x, y decl.Entry) bool {
	x.Pos, y.Pos = decl.Pos{}, decl.Pos{}
	return reflect.DeepEqual(x, y)
}
