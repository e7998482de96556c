package screen

import (
	"strings"

	tea "charm.land/bubbletea/v2"
)

// text is a page to be read.
type text struct {
	title string
	lines []string
	first int
	page  int

	width int      // that it was broken for
	cut   []string // the lines, broken
}

func newText(title, s string) *text {
	t := &text{title: title, page: 1}
	for l := range strings.Lines(s) {
		t.lines = append(t.lines, tidy(strings.TrimSuffix(l, "\n")))
	}
	return t
}

func (t *text) press(m *Model, key string) tea.Cmd {
	switch key {
	case "up":
		t.first--
	case "down", "j", "enter":
		t.first++
	case "pgup", "ctrl+b":
		t.first -= max(1, t.page-1)
	case "pgdown", "ctrl+f", "space":
		t.first += max(1, t.page-1)
	case "home", "g":
		t.first = 0
	case "end", "G":
		t.first = len(t.cut)
	case "q":
		m.back()
	}
	return nil
}

func (t *text) head(m *Model) []string {
	return []string{m.paint(pad(middle(t.title, m.width), m.width), bold)}
}

func (t *text) body(m *Model, height int) []string {
	if t.width != m.width {
		t.width, t.cut = m.width, nil
		for _, l := range t.lines {
			how := colourOf(l)
			for _, part := range chop(l, m.width) {
				t.cut = append(t.cut, m.paint(part, how))
			}
		}
	}
	t.page = height
	t.first = max(0, min(t.first, len(t.cut)-height))
	return t.cut[t.first:min(len(t.cut), t.first+height)]
}

// colourOf is that of a line of a difference, which its first letter tells too.
func colourOf(l string) string {
	switch {
	case strings.HasPrefix(l, "+++"), strings.HasPrefix(l, "---"):
		return bold
	case strings.HasPrefix(l, "+"):
		return green
	case strings.HasPrefix(l, "-"):
		return red
	case strings.HasPrefix(l, "~"):
		return yellow
	case strings.HasPrefix(l, "@"):
		return cyan
	}
	return ""
}

func (t *text) foot(m *Model) []string {
	if end := t.first + t.page; end < len(t.cut) {
		return []string{pad(plural(len(t.cut)-end, "more line"), m.width)}
	}
	return nil
}

func (t *text) help() []string { return []string{"esc back", "up, down, PgUp, PgDn move"} }
