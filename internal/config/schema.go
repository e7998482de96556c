package config

import (
	_ "embed"

	"cuelang.org/go/cue"
)

// schemaText is also the manual: "anicca schema" prints it.
//
//go:embed schema.cue
var schemaText string

// Schema returns the annotated schema of a declaration.
func Schema() string { return schemaText }

func schema(ctx *cue.Context) cue.Value {
	return ctx.CompileString(schemaText, cue.Filename("schema.cue")).LookupPath(cue.ParsePath("#Host"))
}

// shape is a part of the schema that remembers what was asked of it: a thousand entries ask the same of one.
type shape struct {
	cue.Value
	known map[string]bool   // the fields that it names
	of    map[string]*shape // what it says of them; under "", of those of any name
	good  map[string]bool   // texts that fit it
}

// field returns what the schema says of one field, nil if it has no such field.
func (s *shape) field(name string) *shape {
	if s.known == nil {
		s.known, s.of = map[string]bool{}, map[string]*shape{}
		for _, n := range names(s.Value) {
			s.known[n] = true
		}
	}
	key := name
	if !s.known[name] {
		key = ""
	}
	f, ok := s.of[key]
	if ok {
		return f
	}
	all := []cue.Selector{cue.AnyString}
	if s.known[name] {
		all = []cue.Selector{cue.Str(name), cue.Str(name).Optional()}
	}
	for _, sel := range all {
		if v := s.LookupPath(cue.MakePath(sel)); v.Exists() {
			f = &shape{Value: v}
			break
		}
	}
	s.of[key] = f
	return f
}

// fits reports whether a definite value is one that the schema wants.
func (s *shape) fits(v cue.Value) bool {
	text := ""
	if v.Kind() == cue.StringKind {
		text, _ = v.String()
	}
	if text != "" && s.good[text] {
		return true
	}
	ok := s.Unify(v).Validate(cue.Concrete(true)) == nil
	if ok && text != "" {
		if s.good == nil {
			s.good = map[string]bool{}
		}
		s.good[text] = true
	}
	return ok
}

// names returns the fields that the schema knows in a struct, for hints.
func names(s cue.Value) []string {
	var out []string
	it, err := s.Fields(cue.Optional(true))
	if err != nil {
		return nil
	}
	for it.Next() {
		out = append(out, it.Selector().Unquoted())
	}
	return out
}
