package decl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file that a user wrote.
// The zero Pos means that no place is known, as for what a default says.
type Pos struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	Col  int    `json:"col,omitempty"`
}

// IsValid reports whether the position names a file.
func (p Pos) IsValid() bool { return p.File != "" }

// String returns file:line:col, as far as it is known.
func (p Pos) String() string {
	switch {
	case p.File == "":
		return "-"
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

func (p Pos) compare(q Pos) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Col, q.Col))
}

// Problem is one mistake in what a user wrote.
type Problem struct {
	Pos  Pos    `json:"pos"`
	Also []Pos  `json:"also,omitempty"` // other places that take part, such as the second side of a conflict
	Path string `json:"path,omitempty"` // field, such as persist."/persist".directories
	Msg  string `json:"msg"`            // what is wrong
	Hint string `json:"hint,omitempty"` // what to write instead
}

// Error returns "file:line:col: what is wrong", without the hint.
func (p Problem) Error() string { return p.Pos.String() + ": " + p.Msg }

// Problems is every mistake found, sorted by position. It is an error if it is not empty.
type Problems []Problem

// Error returns all problems with their hints, one a line.
func (ps Problems) Error() string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.Error())
		for _, also := range p.Also {
			fmt.Fprintf(&b, "\n\talso at %s", also)
		}
		if p.Hint != "" {
			fmt.Fprintf(&b, "\n\t%s", p.Hint)
		}
	}
	return b.String()
}

// Sort orders the problems by position and drops repeated ones.
func (ps Problems) Sort() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(a.Pos.compare(b.Pos), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Msg, b.Msg))
	})
	return slices.CompactFunc(ps, func(a, b Problem) bool {
		return a.Pos == b.Pos && a.Path == b.Path && a.Msg == b.Msg
	})
}
