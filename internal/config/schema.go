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

// field returns what the schema says of one field, and whether it has such a field.
func field(s cue.Value, name string) (cue.Value, bool) {
	for _, sel := range []cue.Selector{cue.Str(name), cue.Str(name).Optional(), cue.AnyString} {
		if f := s.LookupPath(cue.MakePath(sel)); f.Exists() {
			return f, true
		}
	}
	return cue.Value{}, false
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
