package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"

	"anicca/internal/decl"
)

// wanted says in words what the schema takes.
func wanted(s cue.Value) string {
	op, args := s.Expr()
	if op == cue.NoOp && len(args) == 1 { // a default takes its disjunction apart
		op, args = args[0].Expr()
	}
	if op == cue.OrOp {
		var out []string
		for _, a := range args {
			if w := wanted(a); !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
		if len(out) == 2 && slices.Contains(out, "true") {
			return "true or false"
		}
		if i := slices.IndexFunc(out, func(w string) bool { return strings.HasPrefix(w, "a ") }); i >= 0 {
			return out[i] // a default beside the kind that it is of
		}
		if len(out) > 1 {
			return "one of " + strings.Join(out, " | ")
		}
		return out[0]
	} else if op == cue.AndOp {
		for _, a := range args {
			if op, bound := a.Expr(); op == cue.GreaterThanEqualOp {
				return "a whole number of at least " + text(bound[0])
			}
		}
	}
	if s.IsConcrete() && s.Kind() != cue.ListKind {
		return text(s)
	}
	return article(s.IncompleteKind())
}

func article(k cue.Kind) string {
	switch k {
	case cue.StringKind:
		return "a string"
	case cue.IntKind:
		return "a whole number"
	case cue.NumberKind, cue.FloatKind:
		return "a number"
	case cue.BoolKind:
		return "true or false"
	case cue.ListKind:
		return "a list"
	case cue.StructKind:
		return "a struct"
	case cue.NullKind:
		return "null"
	}
	return k.String()
}

// text shows a value as the user wrote it, if it is short.
func text(v cue.Value) string {
	switch v.Kind() {
	case cue.StructKind, cue.ListKind:
		return article(v.Kind())
	}
	s := fmt.Sprint(v)
	if len(s) > 60 {
		return s[:57] + "..."
	}
	return s
}

// dotted writes a path as CUE does.
func dotted(path []string) string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = p
		if !isWord(p) {
			out[i] = strconv.Quote(unquote(p))
		}
	}
	return strings.Join(out, ".")
}

func isWord(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

func unquote(s string) string {
	if u, err := strconv.Unquote(s); err == nil {
		return u
	}
	return s
}

func sortPlaces(list []decl.Pos) []decl.Pos {
	var ps decl.Problems
	for _, p := range list {
		ps = append(ps, decl.Problem{Pos: p})
	}
	for i, p := range ps.Sort() {
		list[i] = p.Pos
	}
	return list[:len(ps.Sort())]
}

// similar returns the known word that is nearest to a mistyped one, or "".
func similar(word string, known []string) string {
	best, most := "", max(1, len(word)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k)); d <= most {
			best, most = k, d-1
		}
	}
	return best
}

// distance is the number of letters to insert, drop, change or swap with the next (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
