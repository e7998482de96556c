package screen

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"anicca/internal/noise"
	"anicca/internal/review"
	"anicca/internal/ui"
)

// decide does what a key says to do with a row.
func (m *Model) decide(r *row, key string) tea.Cmd {
	if r.title != "" {
		return m.decidePackage(r, key)
	}
	switch key {
	case "enter", "right":
		return m.open(r)
	case "d":
		return m.diff(r)
	case "k":
		m.keep(r)
	case "K":
		m.keepAt(r)
	case "i":
		m.ignore(r)
	case "u":
		m.undo(r)
	case "n", "space":
		m.none(r)
	}
	m.count()
	return nil
}

// decidePackage is decide for what belongs to packages: the files and the database of packages go together, into a base.
func (m *Model) decidePackage(r *row, key string) tea.Cmd {
	switch key {
	case "enter", "right", "d":
		return m.open(r)
	case "k", "K", "i", "u":
		m.said = "files and database of packages go together: 'anicca base new' keeps all of them as they are now; enter shows what it is"
	case "n", "space":
		for _, c := range r.changes {
			x := ofChange(c, "")
			m.none(&x)
		}
	}
	m.count()
	return nil
}

// keep keeps a row, with the preset that there is for it, and by its path if it is said again.
func (m *Model) keep(r *row) {
	if m.refuse(r.gone(), "it was deleted, so there is nothing to keep: u brings it back") || m.foreign(r) {
		return
	}
	x := &choice{Decision: Decision{What: Keep, Path: r.path}, paths: []string{r.path}, row: *r}
	said := ""
	if now := m.choices.over(r.path); r.use.Preset != "" && m.o.Entries != nil && (now == nil || now.Use != r.use) {
		x.Decision, x.paths = Decision{What: Keep, Use: r.use}, m.o.Entries(r.use)
		if !slices.ContainsFunc(x.paths, func(p string) bool { return p == r.path || below(r.path, p) }) {
			x.paths = append(x.paths, r.path)
		}
		said = fmt.Sprintf("the %s keeps it, with all that it names; k again: only this path", preset(r.use))
	} else if now != nil && now.What == Keep && now.Path != "" {
		m.said = "it is to be kept already: n takes that back"
		return
	} else if now != nil && r.use.Preset != "" {
		m.choices.remove(now)
		said = "only this path is kept, without the preset; k again: with it"
	}
	m.add(x, said)
}

// add makes a choice, and tells what it means.
func (m *Model) add(x *choice, said string) {
	replaced, err := m.choices.add(x)
	switch {
	case err != nil:
		m.said = err.Error()
	case replaced > 0:
		m.said = fmt.Sprintf("in place of %s about what lies in it", plural(replaced, "decision"))
	default:
		m.said = said
	}
}

func (m *Model) refuse(is bool, why string) bool {
	if is {
		m.said = why
	}
	return is
}

// foreign refuses what no declaration can name.
func (m *Model) foreign(r *row) bool {
	return m.refuse(!utf8.ValidString(r.path), "its name is not UTF-8, so that no declaration can name it: keep a directory above it, with K")
}

// keepAt keeps a row by a path that is written: its own, or that of a directory above.
func (m *Model) keepAt(r *row) {
	if m.refuse(r.gone(), "it was deleted, so there is nothing to keep: u brings it back") {
		return
	}
	at := r.path
	if !utf8.ValidString(at) {
		at = path.Dir(at)
	}
	m.line = newLine("keep path: ", at, "the path itself, or a directory above it; enter takes it, esc goes back", func(m *Model, s string) error {
		if s == "/" || !path.IsAbs(s) || path.Clean(s) != s {
			return errors.New("write a path such as " + ui.Visible(r.path))
		}
		if s != r.path && !below(r.path, s) {
			return fmt.Errorf("%s does not lie in it", ui.Visible(r.path))
		}
		x := &choice{Decision: Decision{What: Keep, Path: s}, paths: []string{s}, row: *r}
		for _, p := range m.pages { // a directory on the way here is counted as a whole
			if l, ok := p.(*list); ok && l.row() != nil && l.row().path == s {
				x.row = *l.row()
			}
		}
		if now := m.choices.over(r.path); now != nil && slices.Contains(now.paths, r.path) {
			m.choices.remove(now)
		}
		m.add(x, "")
		return nil
	})
}

// ignore asks for the path or pattern that no review shall name any more.
func (m *Model) ignore(r *row) {
	if m.foreign(r) {
		return
	}
	hint := "a path, or a pattern: * and ? in a name, ** for directories, ~/ for any home; enter takes it, esc goes back"
	m.line = newLine("ignore: ", noise.Quote(r.path), hint, func(m *Model, s string) error {
		if err := noise.Check(s); err != nil {
			return fmt.Errorf("%s %w", ui.Visible(s), err)
		}
		if !matches(s, m.o.Homes, r.path) {
			return fmt.Errorf("it does not match %s", ui.Visible(r.path))
		}
		if now := m.choices.over(r.path); now != nil {
			if !slices.Contains(now.paths, r.path) {
				return fmt.Errorf("it lies in %s, of which you said %s", ui.Visible(above(now, r.path)), now.word())
			}
			m.choices.remove(now)
		}
		m.add(&choice{Decision: Decision{What: Ignore, Pattern: s}, row: *r}, "the next reset drops it all the same, and no review names it")
		return nil
	})
}

// undo puts back what the base has, at every path that a row stands for.
func (m *Model) undo(r *row) {
	if _, one := r.single(); one || len(r.changes) == 0 {
		said := map[review.What]string{
			review.Added:    "the base does not have it: it is put aside under a hidden name",
			review.Modified: "it becomes as the base has it; what is there now is put aside under a hidden name",
			review.Deleted:  "it comes back as the base has it",
		}[r.what]
		m.add(undoing(r), said)
		return
	}
	n, last := 0, ""
	for _, c := range r.changes { // sorted: what lies in a directory comes behind it
		if last != "" && below(c.Path, last) || m.choices.over(c.Path) != nil || len(m.choices.within(c.Path)) > 0 {
			continue
		}
		x := ofChange(c, "")
		if _, err := m.choices.add(undoing(&x)); err == nil {
			n, last = n+1, c.Path
		}
	}
	m.said = "every path in it that you said nothing about becomes as the base has it: " + plural(n, "change")
}

func undoing(r *row) *choice {
	return &choice{Decision: Decision{What: Undo, Path: r.path}, paths: []string{r.path}, row: *r}
}

// none takes back what was decided about a row.
func (m *Model) none(r *row) {
	gone := append(m.choices.within(r.path), m.choices.ignoring(r.path)...)
	if x := m.choices.over(r.path); x != nil {
		gone = []*choice{x}
	}
	n := 0
	for _, x := range gone {
		if m.choices.remove(x) {
			n++
		}
	}
	if n > 1 {
		m.said = plural(n, "decision") + " taken back"
	}
}

// why says what a decision about a row is, where that is not about the row itself.
func (m *Model) why(r *row) string {
	if r.title != "" {
		return ""
	}
	x := m.choices.over(r.path)
	if x == nil {
		if all := m.choices.ignoring(r.path); len(all) > 0 {
			return "; ignored by " + ui.Visible(all[0].Pattern)
		}
		return ""
	}
	if x.Use.Preset != "" {
		return ""
	}
	if x.Path != r.path {
		return fmt.Sprintf("; %s with %s", x.What, ui.Visible(x.Path))
	}
	return ""
}
