package screen

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"anicca/internal/ui"
)

// open looks into a row.
func (m *Model) open(r *row) tea.Cmd {
	if r.title != "" || len(r.changes) > 1 || len(r.changes) == 1 && r.changes[0].Path != r.path {
		rows := make([]row, 0, len(r.changes))
		for _, c := range r.changes {
			rows = append(rows, ofChange(c, ""))
		}
		dir := r.path
		if r.title != "" {
			dir = "/"
		}
		m.push(newList(plural(len(rows), "change")+" in "+r.name(), dir, rows))
		return nil
	}
	if !r.opens() || m.o.List == nil {
		return m.diff(r)
	}
	at, whole := r.path, r.whole
	if whole == "" {
		whole = at
	}
	return m.look.ask(at, func(ctx context.Context) (func(*Model), error) {
		changes, err := m.o.List(ctx, at)
		if err != nil {
			return nil, err
		}
		rows := make([]row, 0, len(changes))
		for _, c := range changes {
			rows = append(rows, ofChange(c, whole))
		}
		return func(m *Model) {
			if len(rows) == 0 {
				m.said = ui.Visible(at) + " is an empty directory"
				return
			}
			m.push(newList("What lies in "+ui.Visible(at), at, rows))
		}, nil
	})
}

// diff shows how a row differs from the base.
func (m *Model) diff(r *row) tea.Cmd {
	at := r.path
	if m.o.Diff == nil {
		return nil
	}
	return m.look.ask(at, func(ctx context.Context) (func(*Model), error) {
		s, err := m.o.Diff(ctx, at)
		return func(m *Model) { m.push(newText("How "+ui.Visible(at)+" differs from the base", s)) }, err
	})
}
