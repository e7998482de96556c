package screen

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"anicca/internal/review"
	"anicca/internal/ui"
)

// list is a page of rows.
type list struct {
	title  string
	dir    string // that the rows lie in; empty for the whole review
	rows   []row
	shown  []int // of the rows, those that the filter lets through
	filter string
	at     int // of the shown
	first  int // that is seen
	page   int // how many are seen
	wide   [4]int
}

func newList(title, dir string, rows []row) *list {
	l := &list{title: title, dir: dir, rows: rows, page: 1}
	for i := range rows {
		l.shown = append(l.shown, i)
		for k, c := range cellsOf(&rows[i], 0) {
			l.wide[k] = max(l.wide[k], cells(c))
		}
	}
	if len(rows) > 0 { // ages are those of now, and at most so wide
		l.wide[3] = 6
	}
	return l
}

// cellsOf are the columns of a row before its path.
func cellsOf(r *row, now int64) [4]string {
	age := ""
	if r.time > 0 && now > 0 {
		age = ui.Age(now, r.time)
	}
	return [4]string{r.worth, ui.Bytes(r.size), r.counts, age}
}

// row returns the row that the cursor is on; nil if there is none.
func (l *list) row() *row {
	if len(l.shown) == 0 {
		return nil
	}
	return &l.rows[l.shown[l.at]]
}

func (l *list) move(to int) { l.at = max(0, min(to, len(l.shown)-1)) }

// narrow shows only the paths that have a text in them.
func (l *list) narrow(filter string) {
	was := l.row()
	l.filter, l.shown, l.at = filter, l.shown[:0], 0
	for i := range l.rows {
		if strings.Contains(strings.ToLower(l.rows[i].path+" "+l.rows[i].title), strings.ToLower(filter)) {
			if &l.rows[i] == was {
				l.at = len(l.shown)
			}
			l.shown = append(l.shown, i)
		}
	}
}

func (l *list) press(m *Model, key string) tea.Cmd {
	switch key {
	case "up":
		l.move(l.at - 1)
	case "down", "j":
		l.move(l.at + 1)
	case "pgup", "ctrl+b":
		l.move(l.at - max(1, l.page-1))
	case "pgdown", "ctrl+f":
		l.move(l.at + max(1, l.page-1))
	case "home", "g":
		l.move(0)
	case "end", "G":
		l.move(len(l.shown) - 1)
	case "/":
		m.line = filterLine(l)
	case "c":
		return m.confirm()
	case "q":
		return m.leave()
	default:
		if r := l.row(); r != nil {
			return m.decide(r, key)
		}
	}
	return nil
}

func (l *list) head(m *Model) []string {
	title := l.title
	if l.filter != "" {
		title = fmt.Sprintf("%s [/%s: %d of %d]", title, ui.Visible(l.filter), len(l.shown), len(l.rows))
	}
	columns := l.columns(m.width)
	names := [4]string{"WORTH", "SIZE", "FILES", "AGE"}
	if l.dir != "" {
		names[0] = "WHAT"
	}
	return []string{m.paint(pad(middle(title, m.width), m.width), bold), pad("  "+pad("DO", doWide)+" "+l.line(m.width, columns, names, "PATH"), m.width)}
}

// doWide is how wide the column is that tells what was decided.
const doWide = 6

// columns says which columns have room: the path takes what is left, and needs much.
func (l *list) columns(width int) (has [4]bool) {
	room := width - 2 - doWide - 1
	for _, k := range []int{0, 1, 2, 3} {
		if need := max(l.wide[k], 5) + 1; room-need >= max(20, width*2/5) {
			has[k] = true
			room -= need
		}
	}
	return has
}

// line writes columns and a path so that they take the width that is left of the mark and the decision.
func (l *list) line(width int, has [4]bool, c [4]string, path string) string {
	out := ""
	for k, s := range c {
		if !has[k] {
			continue
		}
		w := max(l.wide[k], 5)
		if k == 0 || k == 2 {
			out += pad(s, w) + " "
		} else {
			out += right(s, w) + " "
		}
	}
	room := width - 2 - doWide - 1 - cells(out)
	return out + pad(middle(path, room), room)
}

func (l *list) body(m *Model, height int) []string {
	l.page = height
	l.move(l.at)
	l.first = max(0, min(l.first, l.at, len(l.shown)-height))
	if l.at >= l.first+height {
		l.first = l.at - height + 1
	}
	if len(l.shown) == 0 {
		return []string{pad("no path has that in it; esc shows all", m.width)}[:min(1, height)]
	}
	has := l.columns(m.width)
	var out []string
	for i := l.first; i < min(len(l.shown), l.first+height); i++ {
		r := &l.rows[l.shown[i]]
		s := pad(m.choices.wordOf(r), doWide) + " " + l.line(m.width, has, cellsOf(r, m.o.Now), l.name(r))
		if i == l.at {
			out = append(out, m.paint(pad("> "+s, m.width), reverse))
		} else {
			out = append(out, pad("  "+s, m.width))
		}
	}
	return out
}

// name is how a row's path is shown in the list.
func (l *list) name(r *row) string {
	if r.title != "" {
		return r.name()
	}
	p := r.path
	if l.dir != "" && l.dir != "/" && below(p, l.dir) {
		p = strings.TrimPrefix(p[len(l.dir):], "/")
	}
	p = ui.Visible(p)
	if r.kind == review.Directory {
		p += "/"
	}
	return p
}

// foot says more of the row under the cursor, and what would go of everything.
func (l *list) foot(m *Model) []string {
	s := m.sum
	total := fmt.Sprintf("would go: %s, %s", plural(s.all.files, "file"), ui.Bytes(s.all.size))
	if n := len(m.choices.all); n > 0 {
		total += fmt.Sprintf("; as decided: %s, %s", plural(s.left.files, "file"), ui.Bytes(s.left.size))
		if cells(total) > m.width {
			total = fmt.Sprintf("%d, then %d files", s.all.files, s.left.files)
		}
	} else if cells(total) > m.width {
		total = plural(s.all.files, "file")
	}
	total = m.paint(pad(total, m.width), bold)
	r := l.row()
	if r == nil || m.height < 16 { // the list needs the room
		return []string{total}
	}
	path := wrap(r.name(), m.width)
	if len(path) > 2 {
		path = []string{middle(r.name(), m.width)}
	}
	out := append([]string{strings.Repeat("-", m.width)}, path...)
	out = append(out, wrap(r.facts(m.o.Now)+m.why(r), m.width)...)
	sofar := "nothing is decided yet"
	if len(m.choices.all) > 0 {
		sofar = fmt.Sprintf("kept %d, put back %d, ignored %d (they go, and are not named); c does it", s.kept.files, s.undone.files, s.ignored.files)
		if cells(sofar) > m.width {
			sofar = plural(len(m.choices.all), "decision")
		}
	}
	return append(out, total, pad(sofar, m.width))
}

func (l *list) help() []string {
	return []string{"k keep", "i ignore", "u undo", "d diff", "enter look", "n none", "c confirm", "q quit"}
}
