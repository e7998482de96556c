package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	cueerrors "cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/encoding/json"

	"anicca/internal/decl"
)

// source is one file of a declaration.
type source struct {
	path string
	data []byte
	host bool // the machine's own, of hosts/
}

// read reads the files of a declaration: those of the directory itself, of modules/, and the machine's own of hosts/.
func read(o Options) ([]source, decl.Problems, error) {
	if info, err := os.Stat(o.Dir); errors.Is(err, fs.ErrNotExist) {
		return nil, decl.Problems{{
			Pos: decl.Pos{File: o.Dir}, Msg: "there is no declaration",
			Hint: "'anicca init' writes one; --config names another directory",
		}}, nil
	} else if err != nil {
		return nil, nil, err
	} else if !info.IsDir() {
		return nil, decl.Problems{{
			Pos: decl.Pos{File: o.Dir}, Msg: "is a file, not a directory of declarations",
			Hint: "--config " + filepath.Dir(o.Dir),
		}}, nil
	}
	var paths []string
	for _, dir := range []string{".", "modules"} {
		found, err := modules(filepath.Join(o.Dir, dir))
		if err != nil {
			return nil, nil, err
		}
		paths = append(paths, found...)
	}
	own, problems, err := hostFile(o)
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	paths = append(paths, own...)
	if len(paths) == 0 {
		return nil, decl.Problems{{
			Pos: decl.Pos{File: o.Dir}, Msg: "there is no .cue or .json file in it",
			Hint: "'anicca init' writes a starter declaration",
		}}, nil
	}
	var texts []source
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, nil, err
		}
		texts = append(texts, source{p, data, slices.Contains(own, p)})
	}
	return texts, nil, nil
}

// parseAll parses the files of a declaration.
func parseAll(texts []source) (files []*ast.File, problems decl.Problems) {
	for _, t := range texts {
		f, err := parse(t.path, t.data)
		if err != nil {
			problems = append(problems, syntax(t.path, err)...)
			continue
		}
		files = append(files, f)
	}
	return files, problems
}

func modules(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && isModule(e.Name()) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, err
}

func isModule(name string) bool {
	ext := filepath.Ext(name)
	return (ext == ".cue" || ext == ".json") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}

// hostFile picks the machine's file in hosts/, where a declaration serves several machines.
func hostFile(o Options) ([]string, decl.Problems, error) {
	dir := filepath.Join(o.Dir, "hosts")
	all, err := modules(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(all) == 0 {
		return nil, nil, nil
	}
	var own, known []string
	for _, p := range all {
		name := strings.TrimSuffix(filepath.Base(p), filepath.Ext(p))
		known = append(known, name)
		if name == o.Host {
			own = append(own, p)
		}
	}
	if len(own) > 0 {
		return own, nil, nil
	}
	return nil, decl.Problems{{
		Pos: decl.Pos{File: dir},
		Msg: fmt.Sprintf("there is no file for the machine %q", o.Host),
		Hint: fmt.Sprintf("make %s, or name one of these with --host: %s",
			filepath.Join(dir, o.Host+".cue"), strings.Join(slices.Compact(known), ", ")),
	}}, nil
}

// parse reads one module. A JSON module is the expression that it holds.
func parse(p string, data []byte) (*ast.File, error) {
	if filepath.Ext(p) == ".cue" {
		return parser.ParseFile(p, data)
	}
	expr, err := json.Extract(p, data)
	if err != nil {
		return nil, err
	}
	s, ok := expr.(*ast.StructLit)
	if !ok {
		return nil, errors.New("a JSON module must be an object")
	}
	return &ast.File{Filename: p, Decls: s.Elts}, nil
}

// syntax turns a parser's errors into problems.
func syntax(p string, err error) decl.Problems {
	if _, ok := errors.AsType[cueerrors.Error](err); !ok {
		return decl.Problems{{Pos: decl.Pos{File: p}, Msg: "syntax: " + err.Error()}}
	}
	var out decl.Problems
	for _, e := range cueerrors.Errors(err) {
		format, args := e.Msg()
		at := decl.Pos{File: p}
		if pos := e.Position(); pos.IsValid() {
			at = decl.Pos{File: p, Line: pos.Line(), Col: pos.Column()}
		}
		out = append(out, decl.Problem{Pos: at, Msg: "syntax: " + fmt.Sprintf(format, args...)})
	}
	return out
}
