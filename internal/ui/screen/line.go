package screen

import (
	"slices"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
)

// line is a text that is being written.
type line struct {
	prompt string
	text   []rune
	at     int // of the text, where the next letter goes
	hint   string
	wrong  string
	done   func(*Model, string) error // an error is told, and the line stays
	change func(string)               // may be nil

	column int // of the screen, where the cursor is
}

func newLine(prompt, text, hint string, done func(*Model, string) error) *line {
	return &line{prompt: prompt, text: []rune(text), at: len([]rune(text)), hint: hint, done: done}
}

// filterLine narrows a list while it is written.
func filterLine(l *list) *line {
	x := newLine("/", l.filter, "only paths with this in them; enter keeps it so, esc shows all", func(*Model, string) error { return nil })
	x.change = l.narrow
	return x
}

func (l *line) insert(s string) {
	l.wrong = ""
	r := []rune(s)
	l.text = slices.Insert(l.text, l.at, r...)
	l.at += len(r)
	if l.change != nil {
		l.change(string(l.text))
	}
}

func (l *line) cut(from, to int) {
	l.wrong = ""
	l.text = slices.Delete(l.text, from, to)
	l.at = from
	if l.change != nil {
		l.change(string(l.text))
	}
}

func (l *line) key(m *Model, key, text string) tea.Cmd {
	switch key {
	case "esc":
		m.line = nil
		if l.change != nil {
			l.change("")
		}
	case "enter":
		if err := l.done(m, string(l.text)); err != nil {
			l.wrong = err.Error()
			return nil
		}
		m.line = nil
		m.count()
	case "left", "ctrl+b":
		l.at = max(0, l.at-1)
	case "right", "ctrl+f":
		l.at = min(len(l.text), l.at+1)
	case "home", "ctrl+a", "up":
		l.at = 0
	case "end", "ctrl+e", "down":
		l.at = len(l.text)
	case "backspace", "ctrl+h":
		if l.at > 0 {
			l.cut(l.at-1, l.at)
		}
	case "delete", "ctrl+d":
		if l.at < len(l.text) {
			l.cut(l.at, l.at+1)
		}
	case "ctrl+u":
		l.cut(0, l.at)
	case "ctrl+k":
		l.cut(l.at, len(l.text))
	case "ctrl+w":
		from := strings.TrimRight(string(l.text[:l.at]), "/")
		l.cut(len([]rune(from[:strings.LastIndexByte(from, '/')+1])), l.at)
	default:
		if text != "" {
			l.insert(text)
		}
	}
	return nil
}

// draw writes what is wrong, or a hint, and the text below it.
func (l *line) draw(m *Model) []string {
	out := wrap(l.hint, m.width)
	if l.wrong != "" {
		out = wrap(l.wrong, m.width)
	}
	prompt := l.prompt
	if cells(prompt) > m.width/2 {
		prompt = ""
	}
	room := max(1, m.width-cells(prompt)-1)
	from := 0
	for cells(shown(l.text[from:l.at])) > room {
		from++
	}
	l.column = cells(prompt + shown(l.text[from:l.at]))
	return append(out, pad(prompt+shown(l.text[from:]), m.width))
}

// shown is a text as it is seen: what cannot be printed has a mark in its place.
func shown(text []rune) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, string(text))
}
