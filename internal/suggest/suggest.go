// Package suggest thinks about what a machine has, and proposes what to keep of it: presets that fit, and paths that
// the machine itself names as state. It enables nothing.
package suggest

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/survey"
)

// Proposal is one preset, or one path, that is worth keeping.
type Proposal struct {
	Home    string    `json:"home,omitempty"` // name of the user in whose home it lies; empty for the system
	Preset  string    `json:"preset,omitempty"`
	Path    string    `json:"path,omitempty"` // if it is no preset
	Kind    decl.Kind `json:"kind,omitempty"`
	Tier    decl.Tier `json:"tier"` // of a preset: the best of its paths
	What    string    `json:"what,omitempty"`
	Hazard  string    `json:"hazard,omitempty"`
	Reasons []string  `json:"reasons"`
}

// Report is all that is proposed.
type Report struct {
	Store     string     `json:"store"`             // the store that the lines are for
	Proposals []Proposal `json:"proposals"`         // the system first, then homes; presets before paths
	Apart     []string   `json:"apart,omitempty"`   // filesystems that keep what lies on them by themselves
	Private   []string   `json:"private,omitempty"` // what could not be looked into
	Lines     string     `json:"lines,omitempty"`   // of a declaration, that keep what is proposed
}

// Make proposes what a host does not keep yet. The host is nil where nothing is declared. What the declaration
// switches off is not proposed again.
func Make(m *survey.Machine, presets []decl.Preset, host *decl.Host) *Report {
	t := thinker{m: m, presets: presets, host: host, report: &Report{Store: "/persist", Proposals: []Proposal{}, Private: m.Private}}
	if host != nil && len(host.Stores) > 0 {
		t.report.Store = host.Stores[0].Path
	}
	t.system()
	t.paths()
	for _, h := range m.Homes {
		t.home(h)
	}
	slices.Sort(t.report.Apart)
	t.report.Apart = slices.Compact(t.report.Apart)
	t.report.Lines = t.report.cue()
	return t.report
}

type thinker struct {
	m       *survey.Machine
	presets []decl.Preset
	host    *decl.Host
	kept    []string // directories and files that the proposals keep, as absolute paths
	report  *Report
}

func (t *thinker) propose(p Proposal, keeps ...string) {
	t.report.Proposals = append(t.report.Proposals, p)
	t.kept = append(t.kept, keeps...)
}

// system proposes presets for what lies in the system: first what every machine needs, as that may hold more.
func (t *thinker) system() {
	presets := slices.Clone(t.presets)
	slices.SortStableFunc(presets, func(a, b decl.Preset) int {
		switch {
		case a.Signs.Always == b.Signs.Always:
			return 0
		case a.Signs.Always:
			return -1
		}
		return 1
	})
	for _, p := range presets {
		if t.named(p.Name, "") {
			continue
		}
		var keeps, data []string
		for _, e := range p.Entries {
			if e.Home {
				continue
			}
			keeps = append(keeps, e.Path)
			if t.m.Data[e.Path] {
				data = append(data, e.Path)
			}
		}
		reasons := t.signs(p.Signs)
		if p.Signs.Paths && !p.Signs.Always {
			for _, d := range data {
				reasons = append(reasons, d+" holds data")
			}
			reasons = append(reasons, t.states(keeps)...)
		}
		if len(reasons) > 0 && t.wanted(keeps) {
			t.propose(preset(p, "", reasons), keeps...)
		}
	}
}

// signs says what of the machine shows that a preset is for it.
func (t *thinker) signs(s decl.Signs) []string {
	var out []string
	if s.Always {
		out = append(out, "every machine needs it")
	}
	for _, name := range t.m.Packages {
		if matches(s.Packages, name) {
			out = append(out, "the package "+name+" is installed")
		}
	}
	for _, u := range t.m.Units {
		if matches(s.Units, u.Name) {
			out = append(out, enabled(u))
		}
	}
	if len(out) == 0 { // a program says no more than its package
		for _, name := range s.Programs {
			if t.m.Programs[name] {
				out = append(out, "the program "+name+" is there")
			}
		}
	}
	return out
}

// states says which enabled units have their state in what a preset keeps.
func (t *thinker) states(keeps []string) []string {
	var out []string
	for _, u := range t.m.Units {
		for _, d := range u.State {
			if slices.ContainsFunc(keeps, func(k string) bool { return within(d, k) }) {
				out = append(out, d+" is the state of "+u.Name)
			}
		}
	}
	return out
}

// home proposes presets for what lies in one home.
func (t *thinker) home(h survey.Home) {
	for _, p := range t.presets {
		if t.named(p.Name, h.Name) {
			continue
		}
		var keeps, reasons []string
		for _, e := range p.Entries {
			rel, ok := h.Data[e.Path]
			if !e.Home {
				continue
			}
			keeps = append(keeps, path.Join(h.Home, cmp.Or(rel, e.Path)))
			if ok && p.Signs.Paths {
				reasons = append(reasons, "~/"+rel+" holds data")
			}
		}
		if len(reasons) > 0 && t.wanted(keeps) {
			t.propose(preset(p, h.Name, reasons), keeps...)
		}
	}
}

func preset(p decl.Preset, home string, reasons []string) Proposal {
	out := Proposal{Home: home, Preset: p.Name, What: p.What, Tier: decl.TierCache, Reasons: reasons}
	if p.Hazard != "none known" {
		out.Hazard = p.Hazard
	}
	order := []decl.Tier{decl.TierCache, decl.TierState, decl.TierKeep}
	for _, e := range p.Entries {
		if e.Home == (home != "") && slices.Index(order, e.Tier) > slices.Index(order, out.Tier) {
			out.Tier = e.Tier
		}
	}
	return out
}

func enabled(u survey.Unit) string {
	if u.By != "" {
		return u.Name + " is started by " + u.By
	}
	return u.Name + " is enabled"
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}

func within(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, dir+"/")
}
