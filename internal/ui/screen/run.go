package screen

import (
	"context"
	"fmt"
	"os"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

// perSecond is how often the screen is written at most. Keys that come faster, as on a slow line, are written once.
const perSecond = 20

// Run shows a review on a terminal until everything is decided, and returns what shall be done; nothing if somebody left.
func Run(ctx context.Context, o Options, in, out *os.File) ([]Decision, error) {
	m := New(ctx, o)
	profile := colorprofile.Ascii
	if o.Colour {
		profile = colorprofile.ANSI
	}
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithFPS(perSecond),
		tea.WithColorProfile(profile), tea.WithEnvironment(environment()))
	_, err := p.Run()
	m.look.end()
	if err != nil {
		return nil, fmt.Errorf("the screen ended, and nothing was done: %w", err)
	}
	return m.Decided(), nil
}

// environment is what the library shall know: as little as it needs. That there is an SSH_TTY keeps it from asking most terminals
// what they can: on a slow line the answer would come late, and be taken for keys by whatever runs then.
func environment() []string { return []string{"TERM=" + os.Getenv("TERM"), "SSH_TTY="} }
