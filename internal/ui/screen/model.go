package screen

import (
	"context"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"anicca/internal/ui"
)

// page is one thing to look at. Those before it come back when it is left.
type page interface {
	head(m *Model) []string             // what stays at the top
	body(m *Model, height int) []string // at most so many lines
	foot(m *Model) []string             // what stays below
	help() []string                     // what the keys do, the most wanted first
	press(m *Model, key string) tea.Cmd
}

// Model is the screen.
type Model struct {
	o             Options
	width, height int
	pages         []page
	choices       choices
	sum           sum
	line          *line  // that is being written
	said          string // until the next key
	leaving       bool   // asked whether to leave without doing anything
	agreed        bool   // what was decided shall be done
	look          looker
}

// New returns a screen that shows a review.
func New(ctx context.Context, o Options) *Model {
	m := &Model{o: o, width: 80, height: 24, choices: newChoices(o.Homes)}
	m.look.ctx = ctx
	rows := make([]row, 0, len(o.Review.Items))
	for _, i := range o.Review.Items {
		rows = append(rows, ofItem(i))
	}
	m.pages = []page{newList(fmt.Sprintf("What the next reset would drop, compared with base %d", o.Review.Base), "", rows)}
	m.count()
	return m
}

// Decided returns what was decided, if it was agreed to.
func (m *Model) Decided() []Decision {
	if !m.agreed {
		return nil
	}
	return m.choices.decisions()
}

func (m *Model) count() { m.sum = m.choices.sum(m.o.Review.Items) }

func (m *Model) top() page { return m.pages[len(m.pages)-1] }

// push shows a page. What was being read belongs to the one before, and is given up.
func (m *Model) push(p page) {
	m.look.stop()
	m.pages = append(m.pages, p)
}

// Init implements [tea.Model].
func (m *Model) Init() tea.Cmd { return nil }

// Update implements [tea.Model].
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case found:
		m.look.take(m, msg)
	case tea.PasteMsg:
		if m.line != nil {
			m.line.insert(strings.TrimRight(msg.Content, "\r\n"))
		}
	case tea.KeyPressMsg:
		return m, m.key(msg)
	}
	return m, nil
}

func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	m.said = ""
	switch {
	case m.leaving:
		m.leaving = false
		if key == "y" || key == "ctrl+c" {
			return tea.Quit
		}
		return nil
	case key == "ctrl+c":
		return m.leave()
	case m.line != nil:
		return m.line.key(m, key, msg.Text)
	}
	switch key {
	case "?", "f1":
		m.help()
	case "esc", "left", "backspace":
		m.back()
	default:
		return m.top().press(m, key)
	}
	return nil
}

// back goes back by one thing.
func (m *Model) back() {
	if l, ok := m.top().(*list); !m.look.stop() {
		switch {
		case ok && l.filter != "":
			l.narrow("")
		case len(m.pages) > 1:
			m.pages = m.pages[:len(m.pages)-1]
		}
	}
}

// leave asks before decisions are thrown away.
func (m *Model) leave() tea.Cmd {
	if len(m.choices.all) == 0 {
		return tea.Quit
	}
	m.leaving, m.line = true, nil
	return nil
}

// View implements [tea.Model].
func (m *Model) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	if m.width <= 0 || m.height <= 0 {
		return v
	}
	p := m.top()
	foot := p.foot(m)
	var tail []string
	switch {
	case m.leaving:
		tail = wrap(fmt.Sprintf("Leave, and do nothing of what you decided (%s)? y/n", plural(len(m.choices.all), "decision")), m.width)
	case m.line != nil:
		tail = m.line.draw(m)
	case m.said != "":
		tail = wrap(m.said, m.width)
	case m.look.at != "":
		tail = []string{pad("reading "+middle(ui.Visible(m.look.at), m.width-20)+" (esc stops)", m.width)}
	default:
		tail = []string{keys(append(p.help(), "? help"), m.width)}
	}
	if n := max(1, m.height/2); len(tail) > n {
		tail = append(tail[:n-1], tail[len(tail)-1])
	}
	head := p.head(m)
	if m.height < 10 {
		head = head[:min(1, len(head))]
	}
	for len(head)+len(foot)+len(tail) >= m.height && len(head) > 0 {
		head = head[1:]
	}
	for len(foot)+len(tail) >= m.height && len(foot) > 0 {
		foot = foot[1:]
	}
	height := max(0, m.height-len(head)-len(foot)-len(tail))
	out := append(head, p.body(m, height)...)
	for len(out) < len(head)+height {
		out = append(out, "")
	}
	out = append(append(out, foot...), tail...)
	v.Content = strings.Join(out, "\n")
	if m.line != nil {
		v.Cursor = tea.NewCursor(min(m.line.column, m.width-1), len(out)-1)
		v.Cursor.Blink = false
	}
	return v
}

// keys puts as many of the words as have room into a line; the last one always.
func keys(words []string, width int) string {
	last := words[len(words)-1]
	out := ""
	for _, w := range words[:len(words)-1] {
		if cells(out+w+"  "+last) > width {
			break
		}
		out += w + "  "
	}
	return pad(out+last, width)
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
