package config

import (
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"anicca/internal/decl"
)

// places knows where the user wrote each field. CUE itself forgets where a struct was named.
type places map[string][]decl.Pos

// key joins the names of a field's path. Names may hold dots and slashes.
func key(path []string) string { return strings.Join(path, "\x00") }

// at returns the first place of a field, else that of the nearest one around it.
func (p places) at(path ...string) decl.Pos {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if all := p[key(path)]; len(all) > 0 {
			return all[0]
		}
	}
	return decl.Pos{}
}

// index notes the place of every field in the files, also of those in comprehensions.
func index(files []*ast.File) places {
	p := places{}
	for _, f := range files {
		p.decls(f.Decls, nil)
	}
	return p
}

func (p places) decls(list []ast.Decl, path []string) {
	for _, d := range list {
		switch d := d.(type) {
		case *ast.Field:
			name, _, err := ast.LabelName(d.Label)
			if err != nil || name == "" {
				continue
			}
			at := append(path[:len(path):len(path)], name)
			p[key(at)] = append(p[key(at)], position(d.Label.Pos()))
			p.expr(d.Value, at)
		case *ast.EmbedDecl:
			p.expr(d.Expr, path)
		case *ast.Comprehension:
			p.expr(d.Value, path)
		}
	}
}

func (p places) expr(e ast.Expr, path []string) {
	switch e := e.(type) {
	case *ast.StructLit:
		p.decls(e.Elts, path)
	case *ast.BinaryExpr:
		if e.Op == token.AND {
			p.expr(e.X, path)
			p.expr(e.Y, path)
		}
	case *ast.ParenExpr:
		p.expr(e.X, path)
	}
}

func position(p token.Pos) decl.Pos {
	if !p.IsValid() {
		return decl.Pos{}
	}
	return decl.Pos{File: p.Filename(), Line: p.Line(), Col: p.Column()}
}
