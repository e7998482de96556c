package status

import (
	"fmt"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/watch"
)

// Watch is what the watcher of the running system does, and did in this boot.
type Watch struct {
	Running bool         `json:"running"`
	State   *watch.State `json:"state,omitempty"` // nil if there was none in this boot
}

// ReadWatch looks for the watcher of the running system.
func ReadWatch(p, bootID string) (*Watch, error) {
	s, runs, err := watch.ReadState(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	if s != nil && s.BootID != bootID {
		s = nil
	}
	return &Watch{Running: runs, State: s}, nil
}

// watch says what the watcher could not do, and whether it is missed.
func (s *Status) watch(m Machine) {
	r, w := m.Record, m.Watch
	if w == nil || r == nil || r.StorePath == "" || r.Outcome == boot.Off || r.Outcome == boot.Unset {
		return
	}
	s.Watch = w
	if w.State != nil {
		for _, x := range w.State.Wrong {
			s.problem("%s: %s", x.Path, x.What)
		}
		for _, x := range w.State.Done {
			if x.What != watch.Saved {
				s.note("%s: %s, %s: changed by %s", x.When.Local().Format("15:04:05"), x.Path, x.What, x.By)
			}
		}
	}
	if w.Running || !watchable(m.Host) {
		return
	}
	without := "what programs replace is healed, and what they change in carried files is saved, at the next boot only"
	if r.RAM {
		without = "a power cut loses what this session has changed in carried files"
	}
	if w.State != nil && !w.State.Ended {
		s.problem("the watcher has died: %s: 'systemctl status anicca-watch' says why", without)
		return
	}
	s.note("the watcher does not run: %s: 'anicca init' installs it, 'systemctl start anicca-watch' starts it", without)
}

// watchable reports whether anything is declared that can be watched.
func watchable(h *decl.Host) bool {
	for _, store := range h.Stores {
		for _, e := range store.Entries {
			if e.Method != decl.Copy {
				return true
			}
		}
	}
	return false
}
