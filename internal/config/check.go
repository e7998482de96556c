package config

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	cueerrors "cuelang.org/go/cue/errors"

	"anicca/internal/decl"
)

// check walks the user's value beside the schema, reports every field that does not fit, and returns what does,
// as the plain value that it is; nil for nothing.
//
// It does what a closed definition would do, but for all fields at once:
// CUE hides unknown fields while any other conflict exists,
// and does not see them at all when the definition is embedded in the user's package.
func (e *evaluation) check(v cue.Value, s *shape, path []string) any {
	if s.IncompleteKind() != cue.StructKind {
		return e.leaf(v, s, path)
	}
	before := len(e.problems)
	switch v.IncompleteKind() {
	case cue.StructKind, cue.BottomKind:
	case cue.TopKind: // set by nobody, or by a prelude only
		return nil
	default:
		e.say(path, v, "want a struct, { … }, not "+article(v.IncompleteKind()), hintFor(path))
		return nil
	}
	it, err := v.Fields(cue.Optional(false))
	if err != nil {
		e.conflict(v, path)
		return nil
	}
	good := map[string]any{}
	for it.Next() {
		name := it.Selector().Unquoted()
		at := append(path[:len(path):len(path)], name)
		f := s.field(name)
		if f == nil {
			e.say(at, it.Value(), "there is no field "+name+where(path), unknownHint(path, name, names(s.Value)))
			continue
		}
		if g := e.check(it.Value(), f, at); g != nil {
			good[name] = g
		}
	}
	if v.Err() != nil && len(e.problems) == before {
		e.conflict(v, path)
	}
	return good
}

// leaf checks one value that the schema wants to be of a plain kind.
func (e *evaluation) leaf(v cue.Value, s *shape, path []string) any {
	switch {
	case v.Err() != nil:
		e.conflict(v, path)
	case !v.IsConcrete() || v.Kind() == cue.ListKind && v.Validate(cue.Concrete(true)) != nil:
		e.say(path, v, "has no definite value", "write one")
	case !s.fits(v):
		e.say(path, v, fmt.Sprintf("want %s, not %s", wanted(s.Value), text(v)), hintFor(path))
	default:
		var good any
		if err := v.Decode(&good); err != nil {
			e.errors(err)
		}
		return good
	}
	return nil
}

// say reports a problem with one field, at all places where the user wrote it.
func (e *evaluation) say(path []string, v cue.Value, msg, hint string) {
	p := decl.Problem{Path: dotted(path), Msg: dotted(path) + ": " + msg, Hint: hint}
	if all := sortPlaces(slices.Clone(e.places[key(path)])); len(all) > 0 {
		p.Pos, p.Also = all[0], all[1:]
	} else if p.Pos = position(v.Pos()); !p.Pos.IsValid() {
		p.Pos = e.places.at(path...)
	}
	e.problems = append(e.problems, p)
}

// conflict reports a field that two places of the declaration want differently.
func (e *evaluation) conflict(v cue.Value, path []string) {
	for _, err := range cueerrors.Errors(v.Err()) {
		format, args := err.Msg()
		p := decl.Problem{Path: dotted(path), Msg: dotted(path) + ": " + fmt.Sprintf(format, args...)}
		if all := userPlaces(err); len(all) > 0 {
			p.Pos, p.Also = all[0], all[1:]
		} else {
			p.Pos = e.places.at(path...)
		}
		if len(p.Also) > 0 {
			p.Hint = "two places want it differently: keep one of them"
		}
		e.problems = append(e.problems, p)
	}
}

func where(path []string) string {
	if len(path) == 0 {
		return " at the top of a declaration"
	}
	return " in " + dotted(path)
}

// unknownHint says what was meant, as far as one can tell.
func unknownHint(path []string, name string, known []string) string {
	if len(path) == 0 && slices.Contains([]string{"files", "users", "packages", "services", "settings", "override"}, name) {
		return "declared " + name + " come with a later release; to keep state, write it under persist"
	}
	if s := similar(name, known); s != "" {
		return fmt.Sprintf("did you mean %s?", s)
	}
	slices.Sort(known)
	return "known: " + strings.Join(known, ", ")
}

// hintFor explains what is often got wrong.
func hintFor(path []string) string {
	switch path[len(path)-1] {
	case "mode":
		return `write it as text, as chmod takes it: mode: "0750" or mode: "u=rwx,g=rx,o="`
	case "method":
		if slices.Contains(path, "files") {
			return "files are carried; leave method out"
		}
		return "directories are kept by bind; leave method out"
	case "directories", "files", "users", "use", "persist":
		return fmt.Sprintf(`collections are maps, so that files can add to them: %s: {"name": {}}`, path[len(path)-1])
	}
	return ""
}
