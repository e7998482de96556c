package config

import (
	"bytes"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
)

// drop removes all fields of a path from the files that can be edited, and reports whether there was any.
// If given, only those whose value is as wanted.
func (e *editor) drop(path []string, only func(ast.Expr) bool) (dropped bool) {
	for i := range e.texts {
		t := &e.texts[i]
		for again := e.editable(*t); again; {
			f, err := parser.ParseFile(t.path, t.data)
			if err != nil {
				break // it was parsed before
			}
			s := search{path: path, only: only}
			s.list(f.Decls, nil, 0)
			if again = s.found; again {
				t.data, dropped = s.cut(t.data), true
			}
		}
	}
	return dropped
}

func isFalse(x ast.Expr) bool {
	b, ok := x.(*ast.BasicLit)
	return ok && b.Kind == token.FALSE
}

// search looks for the first field of a path in one file.
type search struct {
	path []string
	only func(ast.Expr) bool

	found    bool
	siblings []ast.Decl // of the block that the field stands in
	field    ast.Decl   // what has to go for it: all of the short form, a: b: c
}

// list looks in the fields of one block. Outer is the beginning of a short form, if they are inside of one.
func (s *search) list(list []ast.Decl, outer ast.Decl, depth int) {
	for _, d := range list {
		if s.found {
			return
		}
		switch d := d.(type) {
		case *ast.Field:
			if labelOf(d) != s.path[depth] {
				continue
			}
			whole := ast.Decl(d)
			if outer != nil {
				whole = outer
			}
			if depth == len(s.path)-1 {
				if s.only == nil || s.only(d.Value) {
					s.found, s.field = true, whole
				}
			} else {
				s.value(d.Value, whole, depth+1)
			}
			if s.found && s.siblings == nil && outer == nil {
				s.siblings = list
			}
		case *ast.EmbedDecl:
			s.value(d.Expr, nil, depth)
		case *ast.Comprehension:
			s.value(d.Value, nil, depth)
		}
	}
}

func (s *search) value(x ast.Expr, outer ast.Decl, depth int) {
	switch x := x.(type) {
	case *ast.StructLit:
		if x.Lbrace.IsValid() || len(x.Elts) != 1 {
			outer = nil
		}
		s.list(x.Elts, outer, depth)
	case *ast.BinaryExpr:
		if x.Op == token.AND {
			s.value(x.X, nil, depth)
			if !s.found {
				s.value(x.Y, nil, depth)
			}
		}
	case *ast.ParenExpr:
		s.value(x.X, nil, depth)
	}
}

// cut returns the text without the field that was found.
func (s *search) cut(data []byte) []byte {
	from, to := s.field.Pos().Offset(), endOf(s.field)
	eol, last := lineEnd(data, to)
	start := bytes.LastIndexByte(data[:from], '\n') + 1
	if last && strings.TrimSpace(string(data[start:from])) == "" {
		return cutLines(data, start, min(eol+1, len(data)))
	}
	i := slices.Index(s.siblings, s.field)
	switch {
	case i >= 0 && i+1 < len(s.siblings):
		to = s.siblings[i+1].Pos().Offset()
	case i > 0:
		from = endOf(s.siblings[i-1])
	}
	return splice(data, from, to, "")
}

// cutLines removes whole lines, with the comment that stands directly above them, if it is about nothing else,
// and with one of two blank lines that would meet.
func cutLines(data []byte, from, to int) []byte {
	next := strings.TrimSpace(firstLine(data[to:]))
	if next == "" || strings.HasPrefix(next, "}") || strings.HasPrefix(next, "//") {
		for from > 0 {
			up := bytes.LastIndexByte(data[:from-1], '\n') + 1
			if !strings.HasPrefix(strings.TrimSpace(string(data[up:from])), "//") {
				break
			}
			from = up
		}
	}
	above := ""
	if from > 0 {
		above = strings.TrimSpace(string(data[bytes.LastIndexByte(data[:from-1], '\n')+1 : from]))
	}
	if to < len(data) && next == "" && (above == "" || strings.HasSuffix(above, "{")) {
		to += len(firstLine(data[to:]))
	}
	return splice(data, from, to, "")
}

// firstLine returns the first line, with its end.
func firstLine(data []byte) string {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return string(data[:i+1])
	}
	return string(data)
}
