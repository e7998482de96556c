package screen

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"anicca/internal/ui"
)

// confirm is the last page: all that was decided, and whether to do it.
type confirm struct {
	text
	checked bool
	refused bool
}

// confirm shows what was decided, after it was looked at whether it can be done.
func (m *Model) confirm() tea.Cmd {
	if len(m.choices.all) == 0 {
		m.said = "nothing is decided yet: k keeps, i ignores, u undoes"
		return nil
	}
	all := m.choices.decisions()
	var b strings.Builder
	for _, d := range all {
		b.WriteString(m.sentence(d) + "\n")
		if d.Use.Preset != "" && m.o.Beware != nil {
			if s := m.o.Beware(d.Use); s != "" {
				b.WriteString("        beware: " + s + "\n")
			}
		}
	}
	c := &confirm{text: *newText(plural(len(all), "decision")+", of which nothing is done yet", b.String())}
	m.push(c)
	if m.o.Check == nil {
		c.checked = true
		return nil
	}
	return m.look.ask("whether that can be done", func(ctx context.Context) (func(*Model), error) {
		err := m.o.Check(ctx, all)
		return func(*Model) { c.answer(err) }, ctx.Err()
	})
}

// answer takes what was found out.
func (c *confirm) answer(err error) {
	c.checked = true
	if err == nil {
		return
	}
	c.refused = true
	old := c.lines
	c.lines = newText("", "This cannot be done so:\n\n"+err.Error()+"\n\nGo back, and decide otherwise about that. You decided:\n\n").lines
	c.lines = append(c.lines, old...)
	c.width = 0 // break it again
}

// sentence says what is going to be done.
func (m *Model) sentence(d Decision) string {
	switch {
	case d.Use.Preset != "":
		s := "keep    with the " + preset(d.Use)
		if m.o.Entries == nil {
			return s
		}
		var all []string
		for _, p := range m.o.Entries(d.Use) {
			all = append(all, ui.Visible(p))
		}
		return s + ": " + strings.Join(all, ", ")
	case d.What == Ignore:
		return "ignore  " + ui.Visible(d.Pattern)
	case d.What == Undo:
		return fmt.Sprintf("undo    %s, as base %d has it", ui.Visible(d.Path), m.o.Review.Base)
	}
	return "keep    " + ui.Visible(d.Path)
}

func (c *confirm) press(m *Model, key string) tea.Cmd {
	switch key {
	case "y":
		if c.checked && !c.refused {
			m.agreed = true
			return tea.Quit
		}
		m.said = "wait until it is known whether that can be done"
		if c.refused {
			m.said = "it cannot be done so: esc goes back"
		}
	case "n", "q":
		m.back()
	default:
		return c.text.press(m, key)
	}
	return nil
}

func (c *confirm) foot(m *Model) []string {
	out := c.text.foot(m)
	s := m.sum
	out = append(out, m.paint(pad(fmt.Sprintf("then would go: %s, %s", plural(s.left.files, "file"), ui.Bytes(s.left.size)), m.width), bold))
	if c.checked && !c.refused {
		out = append(out, pad("Do it? y/n", m.width))
	}
	return out
}

func (c *confirm) help() []string {
	if c.refused {
		return []string{"esc back"}
	}
	return []string{"y do it", "n back"}
}
