package screen

import (
	"fmt"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/review"
	"anicca/internal/ui"
)

// row is one line of a list: an item of the review, a change, or a part of what is one change.
type row struct {
	path    string
	kind    review.Kind
	what    review.What // empty of an item that is about several changes
	differs review.Differs
	files   int
	size    int64
	time    int64
	changes []review.Change // that it stands for; none of a part
	worth   string
	use     decl.Use // the preset that would keep it
	counts  string
	whole   string // the path of the change that it is a part of
	title   string // of what belongs to packages: it lies in many places, and path is only above them
}

func ofItem(i review.Item) row {
	r := row{
		path: i.Path, kind: review.Directory, size: i.Size, time: i.Newest, changes: i.Changes, worth: i.Worth.String(),
		use: decl.Use{Preset: i.Preset, Home: i.Home}, counts: ui.Counts(i),
	}
	if i.Preset == "" {
		r.use = decl.Use{}
	}
	if !i.Apart() {
		r.title = i.Title()
	}
	if c, ok := r.single(); ok {
		r.kind, r.what, r.differs = c.Kind, c.What, c.Differs
	}
	for _, c := range i.Changes {
		r.files += c.Files
	}
	return r
}

// ofChange is a change. Whole is the one of the review that it is a part of; empty if it is one itself.
func ofChange(c review.Change, whole string) row {
	r := row{path: c.Path, kind: c.Kind, what: c.What, differs: c.Differs, files: c.Files, size: c.Size, time: c.Modified, worth: string(c.What), whole: whole}
	if whole == "" {
		r.changes = []review.Change{c}
	}
	if c.Kind == review.Directory && c.Files > 0 {
		r.counts = fmt.Sprint(c.Files)
	}
	return r
}

// single returns the one change that the row is.
func (r *row) single() (c review.Change, ok bool) {
	if r.title != "" || len(r.changes) != 1 || r.changes[0].Path != r.path {
		return c, false
	}
	return r.changes[0], true
}

// name is what the row is called in sentences.
func (r *row) name() string {
	if r.title != "" {
		return ui.Visible(r.title)
	}
	return ui.Visible(r.path)
}

// opens reports whether it is a directory that came or went as a whole.
func (r *row) opens() bool {
	return r.kind == review.Directory && (r.what == review.Added || r.what == review.Deleted)
}

// gone reports whether nothing is there to be kept.
func (r *row) gone() bool {
	if r.what != "" {
		return r.what == review.Deleted
	}
	for _, c := range r.changes {
		if c.What != review.Deleted {
			return false
		}
	}
	return true
}

// facts says in a line what is known of it.
func (r *row) facts(now int64) string {
	var out []string
	if r.what == "" {
		out = append(out, fmt.Sprintf("%d changes (%s)", len(r.changes), r.counts))
	} else {
		s := string(r.what)
		if r.differs != 0 {
			s += " in " + r.differs.String()
		}
		out = append(out, s+", "+string(r.kind))
		if r.kind == review.Directory && r.files > 0 {
			out = append(out, plural(r.files, "file"))
		}
	}
	out = append(out, ui.Bytes(r.size))
	if r.time > 0 {
		out = append(out, "changed "+ui.Age(now, r.time)+" ago")
	}
	if r.use.Preset != "" {
		out = append(out, "fits the "+preset(r.use))
	} else if r.title != "" || r.worth == review.Software.String() {
		out = append(out, "fits 'anicca base new'")
	}
	return strings.Join(out, ", ")
}

func preset(u decl.Use) string {
	if u.Home != "" {
		return "preset " + u.Preset + " of " + u.Home
	}
	return "preset " + u.Preset
}
