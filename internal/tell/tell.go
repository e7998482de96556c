// Package tell brings a report to people and programs: as files, to the journal, to all terminals, and onto desktops.
package tell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/report"
	"anicca/internal/sys"
)

// Where a report is told, below the root of a machine.
const (
	StatePath  = "/run/anicca/review.json" // all of it, with paths: for the administrator
	PeoplePath = "/run/anicca/report"      // a directory with what each person is told, by the number of the user
)

// Personal is what one person is told, as programs of that person read it. It names no path.
type Personal struct {
	When    int64         `json:"when"` // in seconds since 1970
	Goes    bool          `json:"goes"` // the next boot resets the root
	Files   int           `json:"files"`
	Bytes   int64         `json:"bytes"`
	Counts  report.Counts `json:"counts"`
	News    int           `json:"news"`    // as in [report.Person]
	Desktop bool          `json:"desktop"` // it may be shown
	Lines   []string      `json:"lines"`   // for people; none if nothing of value goes
}

// Options say what the files are to hold.
type Options struct {
	Login, Desktop bool
	Lines          func(report.Person) []string
	All            any // what [StatePath] holds
}

// Write puts the files in place, each in one step, and takes away those of people who are not there any more.
// What a person is told can be read by that person and by whoever runs this; see [sys.Tree.WriteFor].
func Write(t *sys.Tree, s report.State, o Options) error {
	if err := t.MkdirAll(PeoplePath, func(string) sys.Perm { return sys.Mine(0o755) }); err != nil {
		return err
	}
	stays := map[string]bool{}
	put := func(p report.Person, kind, text string) error {
		name := fmt.Sprint(p.UID, kind)
		err := t.WriteFor(path.Join(PeoplePath, name), []byte(text), p.UID, p.GID)
		stays[name] = err == nil
		return err
	}
	var errs []error
	for _, p := range s.People {
		v := p.Counts.Value()
		me := Personal{When: s.When, Goes: s.Goes, Files: v.Files, Bytes: v.Size, Counts: p.Counts, News: p.News, Desktop: o.Desktop, Lines: o.Lines(p)}
		data, err := json.Marshal(me)
		if err == nil {
			err = put(p, ".json", string(data)+"\n")
		}
		if err == nil && o.Login && len(me.Lines) > 0 {
			err = put(p, ".txt", strings.Join(me.Lines, "\n")+"\n")
		}
		if err != nil { // such as a number that a container does not have: the others are told all the same
			errs = append(errs, err)
		}
	}
	data, err := json.Marshal(o.All)
	if err == nil {
		err = t.WriteFile(StatePath, append(data, '\n'), sys.Mine(0o600))
	}
	return errors.Join(append(errs, err, keep(t, stays))...)
}

// keep removes all but some of what people were told.
func keep(t *sys.Tree, stays map[string]bool) error {
	names, err := t.List(PeoplePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, n := range names {
		if !stays[n] {
			err = errors.Join(err, t.Remove(path.Join(PeoplePath, n)))
		}
	}
	return err
}

// Forget takes away all that [Write] and [Metrics] have put in place, where nobody is to be told anything.
func Forget(t *sys.Tree, metrics string) error {
	err := keep(t, nil)
	for _, p := range []string{StatePath, path.Join(metricsDir(metrics), decl.MetricsFile)} {
		if there, _ := t.Exists(p); there {
			err = errors.Join(err, t.Remove(p))
		}
	}
	return err
}

// ReadState reads what the last report of this session was made from; nil if there was none. Where it cannot be read, as after a
// later version of this program has written it, the error says what to type: the next report writes it anew.
func ReadState(t *sys.Tree) (*report.State, error) {
	data, err := t.ReadFile(StatePath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var made struct{ Format int }
	var s report.State
	switch err := json.Unmarshal(data, &made); {
	case err == nil && made.Format > report.Format:
		return nil, stale("was written by a later version of anicca", StatePath, nil)
	case err != nil:
		return nil, stale("cannot be read", StatePath, err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, stale("cannot be read", StatePath, err)
	}
	return &s, nil
}

// stale says what is wrong with a file that [Write] has made, and how it is made again.
func stale(what, p string, err error) error {
	const hint = "'sudo systemctl start anicca-report' writes it anew"
	if err == nil {
		return fmt.Errorf("%s %s: %s", p, what, hint)
	}
	return fmt.Errorf("%s %s: %w: %s", p, what, err, hint)
}
