package watch

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"anicca/internal/sys"
)

// StatePath is where the watcher of the running system tells what it did.
const StatePath = "/run/anicca/watch.json"

// State is what the watcher of this boot did.
type State struct {
	BootID string    `json:"bootID"`
	PID    int       `json:"pid"`
	Since  time.Time `json:"since"`
	Ended  bool      `json:"ended,omitempty"` // it was told to end, and has
	Dirs   int       `json:"dirs"`            // watched directories
	Who    int       `json:"who"`             // of them, those of which it is told who did something
	Done   []Note    `json:"done,omitempty"`  // the last ones
	Wrong  []Note    `json:"wrong,omitempty"` // what it could not do, as things are
}

// Note is something that was done, or that could not be.
type Note struct {
	When time.Time `json:"when"`
	Path string    `json:"path"`
	What string    `json:"what"`         // a sentence without the path; with what to type, if something is to be done
	By   string    `json:"by,omitempty"` // who made it necessary
}

// Saved is the What of a carried file that was saved; other notes of what was done are of what was healed.
const Saved = "saved in the store"

const mostDone = 100

func (s *State) did(n Note) {
	s.Done = append(s.Done, n)
	if len(s.Done) > mostDone {
		s.Done = s.Done[1:]
	}
}

// wrong notes how an entry stands, all being well if what is empty. It reports whether that is new.
func (s *State) wrong(p, what string) bool {
	var others []Note
	same := false
	for _, n := range s.Wrong {
		if n.Path != p {
			others = append(others, n)
		} else if same = n.What == what; same {
			return false
		}
	}
	if s.Wrong = others; what != "" {
		s.Wrong = append(others, Note{When: time.Now(), Path: p, What: what})
	}
	return what != ""
}

func (s *State) write(p string) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	dir, err := sys.OpenTree(filepath.Dir(p))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.WriteFile(filepath.Base(p), append(data, '\n'), sys.Mine(0o600))
}

func lockName(p string) string { return filepath.Base(p) + ".lock" }

// lockState marks that the watcher runs. Whoever asks holds the lock for a moment.
func lockState(p string) (func(), error) {
	dir, err := sys.OpenTree(filepath.Dir(p))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.WaitLock(lockName(p))
}

// ReadState reads what the watcher did, nil if there was none in this boot. It runs if it holds its lock.
func ReadState(p string) (s *State, runs bool, err error) {
	s, err = readState(p)
	if s == nil || err != nil {
		return nil, false, err
	}
	dir, err := sys.OpenTree(filepath.Dir(p))
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	unlock, err := dir.Lock(lockName(p))
	if errors.Is(err, sys.ErrLocked) {
		return s, true, nil
	}
	if err == nil {
		unlock()
	}
	return s, false, err
}

func readState(p string) (*State, error) {
	data, err := os.ReadFile(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := &State{}
	return s, json.Unmarshal(data, s)
}
