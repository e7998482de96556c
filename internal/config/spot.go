package config

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// spot is a place in a file where a field can be added.
type spot struct {
	file   int            // which of the files
	depth  int            // how many names of the wanted path are written there already
	tree   *ast.File      // the file
	block  *ast.StructLit // that the field is added to; nil for the file itself
	list   []ast.Decl     // what the block holds
	after  ast.Decl       // what the new field shall follow: one in the short form, a: b: c; nil for the end of the block
	labels string         // the names that the short form repeats, with their colons
}

// spots returns the places at which a path, or a beginning of it, is written, the best first.
func (e *editor) spots(path []string) []spot {
	var out []spot
	for i, t := range e.texts {
		if !e.editable(t) {
			continue
		}
		f, err := parser.ParseFile(t.path, t.data)
		if err != nil {
			continue // it was parsed before
		}
		s := spot{file: i, tree: f, list: f.Decls}
		out = append(out, s)
		out = s.descend(f.Decls, path, t.data, out)
	}
	slices.SortStableFunc(out, func(a, b spot) int {
		return cmp.Or(cmp.Compare(b.depth, a.depth), cmp.Compare(a.short(), b.short()), cmp.Compare(e.rank(a), e.rank(b)))
	})
	return out
}

// descend collects the places below the fields of one list that are on the path.
func (s spot) descend(list []ast.Decl, path []string, data []byte, out []spot) []spot {
	if s.depth == len(path) {
		return out
	}
	for _, d := range list {
		f, ok := d.(*ast.Field)
		if !ok || f.Constraint != 0 || labelOf(f) != path[s.depth] {
			continue
		}
		v, ok := f.Value.(*ast.StructLit)
		if !ok {
			continue
		}
		next := spot{file: s.file, depth: s.depth + 1, tree: s.tree, block: v, list: v.Elts}
		if !v.Lbrace.IsValid() && len(v.Elts) == 1 {
			first := cmp.Or(s.after, d)
			next.block, next.list, next.after = s.block, s.list, first
			next.labels = string(data[first.Pos().Offset():v.Elts[0].Pos().Offset()])
		}
		out = append(out, next)
		out = next.descend(v.Elts, path, data, out)
	}
	return out
}

// short tells the short form from blocks.
func (s spot) short() int {
	if s.after != nil {
		return 1
	}
	return 0
}

// rank orders files: the one that 'anicca init' writes comes first.
func (e *editor) rank(s spot) int {
	if filepath.Base(e.texts[s.file].path) == "host.cue" {
		return -1
	}
	return s.file
}

// editable reports whether a file is CUE, lies in the declaration itself, and is of this machine alone, where others have theirs.
func (e *editor) editable(t source) bool {
	if filepath.Ext(t.path) != ".cue" || !t.host && slices.ContainsFunc(e.texts, func(t source) bool { return t.host }) {
		return false
	}
	for p := t.path; p != filepath.Clean(e.o.Dir) && p != "." && p != "/"; p = filepath.Dir(p) {
		if info, err := os.Lstat(p); err != nil || info.Mode().Type() == os.ModeSymlink {
			return false
		}
	}
	return true
}

// labelOf returns the name of a field, "" if it is not a plain one.
func labelOf(f *ast.Field) string {
	name, _, err := ast.LabelName(f.Label)
	if err != nil {
		return ""
	}
	return name
}
