package explain

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"anicca/internal/boot"
	"anicca/internal/decl"
	"anicca/internal/plan"
)

// When is the moment of a boot from which on an entry is there.
type When struct {
	Pass boot.Pass `json:"pass"` // the part of the boot that puts it in place; empty for the initrd
	Unit string    `json:"unit,omitempty"`
	Why  string    `json:"why,omitempty"` // it is no earlier; a sentence
}

// Units that put things in place in the booted system.
const (
	earlyUnit = "anicca.service"
	lateUnit  = "anicca-late.service"
)

// when is what the recorded boot plan promises of an entry. Where that leaves two answers, it is the later one.
func (m Machine) when(s plan.Step) When {
	w := When{}
	later := func(unit string, pass boot.Pass, format string, args ...any) {
		if pass == boot.Late || w.Pass == boot.InInitrd {
			w = When{Pass: pass, Unit: unit, Why: fmt.Sprintf(format, args...)}
		}
	}
	late := s.Phase == decl.PhaseLate
	pass, unit := boot.Early, earlyUnit
	if late {
		pass, unit = boot.Late, lateUnit
	}
	if s.Under != "" {
		later(unit, pass, "it lies in the filesystem of %s, which is mounted after the initrd", s.Under)
	}
	i := slices.IndexFunc(m.Boot.Stores, func(b plan.BootStore) bool { return b.Path == s.Store })
	if i > 0 && m.Boot.Left(m.Boot.Stores[i]) {
		later(unit, pass, "the initrd does not wait for its store %s", s.Store)
	}
	if o := m.Boot.Dirs().Around(s.Path); o != nil {
		if outer := m.when(*o); outer.Pass != boot.InInitrd {
			later(outer.Unit, outer.Pass, "it lies in %s, which comes no earlier", o.Path)
		}
	}
	return w
}

// text says a moment for people.
func (w When) text() string {
	switch w.Pass {
	case boot.Early:
		return "after the local filesystems (local-fs.target), before sysinit.target: before every ordinary service, but not before those " +
			"that run earlier (DefaultDependencies=no): " + w.Why
	case boot.Late:
		return "before logins (systemd-user-sessions.service), and as soon as it can be: " + w.Why
	}
	return "from the initrd on, before the first program of the system"
}

// Before says whether an entry is there before a unit starts.
type Before struct {
	Unit   string `json:"unit"`
	Answer string `json:"answer"` // yes, no, unknown
	Why    string `json:"why"`    // a sentence
}

// Ordered is what systemd knows of the order of a unit.
type Ordered struct {
	Loaded bool     // there is such a unit
	Active bool     // it has been started in this boot
	After  []string // what it comes after
}

// always are started in every boot, so that an order that they are part of holds.
var always = []string{"sysinit.target", "basic.target"}

// before answers whether an entry that comes with one of our units is there before another unit. Order goes from unit to unit,
// and only through such as are started: what is not part of a boot orders nothing.
func before(w When, unit string, show func(units []string) (map[string]Ordered, error)) Before {
	if path.Ext(unit) == "" {
		unit += ".service"
	}
	out := Before{Unit: unit, Answer: "unknown"}
	first, err := show(slices.Compact([]string{unit, cmp.Or(w.Unit, unit)}))
	switch {
	case err != nil:
		out.Why = "systemd cannot be asked: " + err.Error()
		return out
	case !first[unit].Loaded:
		out.Why = "there is no unit " + unit + " here"
		return out
	case w.Pass == boot.InInitrd:
		out.Answer, out.Why = "yes", "it is in place in the initrd, before any unit of the system starts"
		return out
	case unit == w.Unit:
		out.Answer, out.Why = "no", "it is that unit itself that puts it in place"
		return out
	}
	if ours := first[w.Unit]; !ours.Loaded || !ours.Active {
		out.Why = w.Unit + " was not started in this boot: see 'systemctl status " + w.Unit + "'; where there is none, run 'anicca init' again"
		return out
	}
	from := map[string]string{unit: ""}
	next, known := []string{unit}, first
	for len(next) > 0 {
		var found []string
		for _, u := range next {
			o := known[u]
			if u != unit && !o.Active && !slices.Contains(always, u) {
				continue
			}
			for _, a := range o.After {
				if _, seen := from[a]; !seen {
					from[a] = u
					found = append(found, a)
				}
			}
		}
		if _, ok := from[w.Unit]; ok {
			out.Answer, out.Why = "yes", chain(from, w.Unit)
			return out
		}
		if next = found; len(next) > 0 {
			if known, err = show(next); err != nil {
				out.Why = "systemd cannot be asked: " + err.Error()
				return out
			}
		}
	}
	out.Answer = "no"
	out.Why = fmt.Sprintf("nothing orders %s after %s: write After=%s into it with 'systemctl edit %s'", unit, w.Unit, w.Unit, unit)
	return out
}

// chain says by which units one comes after another.
func chain(from map[string]string, at string) string {
	var list []string
	for u := at; u != ""; u = from[u] {
		list = append(list, u)
	}
	slices.Reverse(list)
	why := list[0] + " comes after " + list[1]
	for _, u := range list[2:] {
		why += ", that after " + u
	}
	return why
}

var errNoSystemd = errors.New("there is no systemctl")
