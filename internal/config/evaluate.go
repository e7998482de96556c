package config

import (
	"fmt"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"anicca/internal/decl"
)

// prelude lets a file refer to a field that it does not set itself.
const prelude = "root: _\npersist: _\nignore: _\n"

// preludeName is recognised in positions, so that no message points into it.
const preludeName = "prelude"

// evaluation collects the problems of one declaration.
type evaluation struct {
	ctx      *cue.Context
	places   places
	problems decl.Problems
}

// build evaluates all files as one instance and reports references that lead nowhere.
func (e *evaluation) build(files []*ast.File) cue.Value {
	inst := build.NewContext().NewInstance("", nil)
	intro, err := parser.ParseFile(preludeName, prelude)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	for _, f := range append([]*ast.File{intro}, files...) {
		samePackage(f)
		if err := inst.AddSyntax(f); err != nil {
			e.errors(err)
		}
	}
	if err := inst.Complete(); err != nil {
		e.errors(err)
	}
	if len(e.problems) > 0 {
		return cue.Value{}
	}
	v := e.ctx.BuildInstance(inst)
	for _, err := range cueerrors.Errors(v.Err()) {
		if format, _ := err.Msg(); strings.Contains(format, "not found") || strings.Contains(format, "undefined") {
			e.errors(err)
		}
	}
	return v
}

// samePackage lets all files see each other's fields, whatever package they say they are in.
func samePackage(f *ast.File) {
	decls := []ast.Decl{&ast.Package{Name: ast.NewIdent("anicca")}}
	for _, d := range f.Decls {
		if _, ok := d.(*ast.Package); !ok {
			decls = append(decls, d)
		}
	}
	f.Decls = decls
}

// errors reports what CUE says about the user's files, in CUE's words.
func (e *evaluation) errors(err error) {
	for _, err := range cueerrors.Errors(err) {
		format, args := err.Msg()
		all := userPlaces(err)
		p := decl.Problem{Path: dotted(err.Path()), Msg: fmt.Sprintf(format, args...)}
		if len(all) > 0 {
			p.Pos, p.Also = all[0], all[1:]
		} else {
			p.Pos = e.places.at(err.Path()...)
		}
		if p.Path != "" {
			p.Msg = p.Path + ": " + p.Msg
		}
		if strings.HasPrefix(format, "reference") {
			p.Hint = "text needs quotes; a reference must name a field or a let of these files"
		}
		e.problems = append(e.problems, p)
	}
}

// userPlaces returns the places in the user's files that take part in an error, the first of them first.
func userPlaces(err cueerrors.Error) []decl.Pos {
	var out []decl.Pos
	seen := map[decl.Pos]bool{}
	for _, p := range append([]token.Pos{err.Position()}, err.InputPositions()...) {
		at := position(p)
		if !at.IsValid() || at.File == preludeName || seen[at] {
			continue
		}
		seen[at] = true
		out = append(out, at)
	}
	return sortPlaces(out)
}

// decode fills raw with what the user wrote and the schema's defaults.
func (e *evaluation) decode(good any, raw *rawHost) error {
	few, rest := thin(good)
	full := schema(e.ctx).Unify(e.ctx.Encode(few))
	if err := full.Validate(cue.Concrete(true), cue.Final()); err != nil {
		return fmt.Errorf("internal error: what was checked does not fit the schema: %w", err)
	}
	if err := full.Decode(raw); err != nil {
		return err
	}
	for _, a := range rest {
		a.fill(raw)
	}
	return nil
}
