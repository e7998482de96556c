package screen

import (
	"context"
	"errors"
	"sync"

	tea "charm.land/bubbletea/v2"
)

// looker asks about the disk, one question at a time, so that keys are answered meanwhile.
type looker struct {
	ctx    context.Context
	at     string // what is being read; empty for nothing
	number int    // of the last question: answers to others come too late
	cancel context.CancelFunc

	one  sync.Mutex // held while the disk is being read
	over bool       // guarded by one
}

// found is the answer to a question: what shall be done with it.
type found struct {
	number int
	do     func(*Model)
	err    error
}

// ask begins a question.
func (l *looker) ask(at string, f func(context.Context) (func(*Model), error)) tea.Cmd {
	l.stop()
	l.number++
	l.at = at
	ctx, cancel := context.WithCancel(l.ctx)
	l.cancel = cancel
	number := l.number
	return func() tea.Msg {
		l.one.Lock()
		defer l.one.Unlock()
		if l.over || ctx.Err() != nil {
			return found{number: number, err: context.Canceled}
		}
		do, err := f(ctx)
		return found{number, do, err}
	}
}

// stop gives a question up, if there is one.
func (l *looker) stop() bool {
	if l.at == "" {
		return false
	}
	l.cancel()
	l.at = ""
	l.number++
	return true
}

func (l *looker) take(m *Model, f found) {
	if f.number != l.number {
		return
	}
	l.at = ""
	l.cancel()
	switch {
	case errors.Is(f.err, context.Canceled):
	case f.err != nil:
		m.said = f.err.Error()
	default:
		f.do(m)
	}
}

// end waits until nothing is read any more.
func (l *looker) end() {
	l.stop()
	l.one.Lock()
	defer l.one.Unlock()
	l.over = true
}
