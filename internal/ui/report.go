package ui

import (
	"fmt"
	"strings"

	"anicca/internal/report"
)

// Told is what a person is told of a report that was made at a time; nothing if nothing of value goes. Lines fit on a terminal.
func Told(r report.Report, p report.Person, at string) []string {
	v := p.Counts.Value()
	if !r.Goes || v.Files == 0 {
		return nil
	}
	where := ""
	if !p.Admin {
		where = " in your home"
	}
	sudo := "sudo "
	if p.UID == 0 {
		sudo = ""
	}
	out := []string{fmt.Sprintf("anicca: %s %s at the next reset (as of %s):", amount(v, where), verb(v), at), "  " + classes(p.Counts)}
	if p.Admin {
		return append(out, fmt.Sprintf("  '%sanicca review' names them, '%sanicca keep PATH' keeps one", sudo, sudo))
	}
	return append(out, "  'anicca review --user' names them; ask an administrator to keep one")
}

// Leaving is what all are told when the machine is shut down; nothing if nothing of value goes.
func Leaving(r report.Report) []string {
	v := r.Counts.Value()
	if !r.Goes || v.Files == 0 {
		return nil
	}
	return []string{
		fmt.Sprintf("anicca: %s %s with this session:", amount(v, ""), verb(v)), "  " + classes(r.Counts),
		"  after the next boot, 'anicca restore --last --ask' gets them back",
	}
}

// Counted is a report in one line.
func Counted(r report.Report) string {
	v, all := r.Counts.Value(), 0
	for _, c := range r.Counts {
		all += c.Files
	}
	s := fmt.Sprintf("%s would go, of %d in all", amount(v, ""), all)
	if v.Files > 0 {
		s += ": " + classes(r.Counts)
	}
	if !r.Goes {
		s += "; the next boot drops nothing: " + r.Why
	}
	return s
}

func amount(v report.Count, where string) string {
	files := "files"
	if v.Files == 1 {
		files = "file"
	}
	return fmt.Sprintf("%d %s of value%s (%s)", v.Files, files, where, Bytes(v.Size))
}

func verb(v report.Count) string {
	if v.Files == 1 {
		return "goes"
	}
	return "go"
}

// classes names what there is of value, by what it is worth.
func classes(c report.Counts) string {
	var out []string
	for _, w := range report.Worths() {
		if n := c[w.String()].Files; w.Valued() && n > 0 {
			out = append(out, fmt.Sprint(n, " ", w))
		}
	}
	return strings.Join(out, ", ")
}
