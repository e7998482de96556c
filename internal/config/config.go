// Package config turns a directory of CUE and JSON modules into a [decl.Host].
//
// All files of one declaration are evaluated together, as one build instance;
// then the result is held against the schema, field by field,
// so that every mistake is reported at once and where the user wrote it.
// It is the only importer of CUE.
package config

import (
	"errors"

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
	texts, problems, err := read(o)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return nil, problems.Sort()
	}
	return load(o, texts)
}

// load evaluates the files of a declaration.
func load(o Options, texts []source) (*decl.Host, error) {
	files, problems := parseAll(texts)
	if len(problems) > 0 {
		return nil, problems.Sort()
	}
	ctx := cuecontext.New()
	e := evaluation{ctx: ctx, places: index(files)}
	user := e.build(files)
	if len(e.problems) > 0 {
		return nil, e.problems.Sort()
	}
	good := e.check(user, &shape{Value: schema(ctx)}, nil)
	var raw rawHost
	if err := e.decode(good, &raw); err != nil {
		return nil, errors.Join(err, orNil(e.problems.Sort()))
	}
	// What fits the schema is looked at further also when some of it does not, to report all at once.
	h := hoster{o: o, places: e.places, host: &decl.Host{Name: o.Host}, problems: e.problems}
	h.build(raw)
	return h.host, orNil(h.problems.Sort())
}

// orNil is the problems as an error, if there are any.
func orNil(ps decl.Problems) error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
