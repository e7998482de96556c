package suggest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"anicca/internal/decl"
)

// cue returns the lines that would keep what is proposed, or "" for nothing. Caches are in comments: they are made again.
func (r *Report) cue() string {
	system := r.list("")
	var homes []string
	for _, p := range r.Proposals {
		if p.Home != "" && !slices.Contains(homes, p.Home) {
			homes = append(homes, p.Home)
		}
	}
	if system == nil && homes == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "persist: %q: {\n", r.Store)
	for _, line := range system {
		fmt.Fprintf(&b, "\t%s\n", line)
	}
	for _, home := range homes {
		fmt.Fprintf(&b, "\tusers: %s: {\n", label(home))
		for _, line := range r.list(home) {
			fmt.Fprintf(&b, "\t\t%s\n", line)
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// list returns the lines for the system, or for one home.
func (r *Report) list(home string) []string {
	var use, caches, dirs, files []string
	for _, p := range r.Proposals {
		switch {
		case p.Home != home:
		case p.Preset != "" && p.Tier == decl.TierCache:
			caches = append(caches, label(p.Preset))
		case p.Preset != "":
			use = append(use, label(p.Preset))
		case p.Kind == decl.Directory:
			dirs = append(dirs, label(p.Path))
		default:
			files = append(files, label(p.Path))
		}
	}
	var out []string
	for _, l := range []struct {
		name   string
		labels []string
	}{{"use", use}, {"directories", dirs}, {"files", files}} {
		out = append(out, block(l.name, l.labels)...)
	}
	if len(caches) > 0 {
		for _, line := range block("use", caches) {
			out = append(out, "// "+line)
		}
	}
	return out
}

func block(name string, labels []string) []string {
	switch len(labels) {
	case 0:
		return nil
	case 1:
		return []string{name + ": " + labels[0] + ": {}"}
	}
	out := []string{name + ": {"}
	for _, l := range labels {
		out = append(out, "\t"+l+": {}")
	}
	return append(out, "}")
}

var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// label writes a name as a label of CUE.
func label(s string) string {
	if word.MatchString(s) {
		return s
	}
	return strconv.Quote(s)
}
