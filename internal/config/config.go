// Package config turns a directory of CUE and JSON modules into a [decl.Host].
//
// All files of one declaration are evaluated together, as one build instance;
// then the result is held against the schema, field by field,
// so that every mistake is reported at once and where the user wrote it.
// It is the only importer of CUE.
package config

import (
	"cuelang.org/go/cue/cuecontext"

	"anicca/internal/decl"
)

// Options say which declaration to load, and for which machine.
type Options struct {
	Dir      string        // directory of the declaration
	Host     string        // machine to pick from hosts/, where that exists
	Accounts decl.Accounts // of the machine; nil leaves names unchecked
	Keep     string        // directory that is kept always, declared or not; empty for none
}

// Load evaluates a declaration. Its error is a [decl.Problems] if the user's files are wrong:
// all mistakes that could be told apart, sorted by position.
func Load(o Options) (*decl.Host, error) {
	files, problems, err := read(o)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems.Sort()
	}
	ctx := cuecontext.New()
	e := evaluation{ctx: ctx, places: index(files)}
	user := e.build(files)
	if len(e.problems) == 0 {
		e.check(user, schema(ctx), nil)
	}
	if len(e.problems) > 0 {
		return nil, e.problems.Sort()
	}
	var raw rawHost
	if err := e.decode(user, &raw); err != nil {
		return nil, err
	}
	h := hoster{o: o, places: e.places, host: &decl.Host{Name: o.Host}}
	h.build(raw)
	if len(h.problems) > 0 {
		return nil, h.problems.Sort()
	}
	return h.host, nil
}
