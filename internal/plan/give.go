package plan

import (
	"fmt"
	"slices"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/facts"
)

// give compares the declared owner and mode of an entry with those of its data, and plans or reports the difference.
// What has been there before keeps what it has unless the declaration enforces something else.
func (m *maker) give(e decl.Entry, place Step) {
	has := m.data(e)
	if !has.Exists {
		return
	}
	had, wanted := differs(has, place.Perm)
	if len(wanted) == 0 {
		return
	}
	if e.Enforce {
		place.Had = &Perm{UID: &has.UID, GID: &has.GID, Mode: &has.Mode}
		m.step(place, Give)
		return
	}
	m.plan.Drift = append(m.plan.Drift, Note{Why: e.Pos, Path: e.Path, Msg: fmt.Sprintf(
		"has %s, and %s is declared: nothing is changed; write 'enforce: true' beside it to have that set, or declare what it has",
		strings.Join(had, " and "), strings.Join(wanted, " and "))})
}

// data is what of an entry will lie in the store before its owner is looked at. It does not exist if this plan makes it,
// with the declared owner, or if nothing does yet.
func (m *maker) data(e decl.Entry) facts.Object {
	if there := m.facts.Objects[e.Path]; e.Method == decl.Carry && there.IsFile() { // the store follows it
		return there
	}
	for _, s := range slices.Backward(m.plan.Steps) {
		if s.Path != e.Path {
			break
		}
		if s.Kind == Adopt {
			return m.facts.Objects[e.Path]
		}
	}
	return m.facts.Objects[e.Source()]
}

// differs says in words what an object has that is not as wanted, and what is wanted.
func differs(o facts.Object, want Perm) (had, wanted []string) {
	if want.UID != nil && *want.UID != o.UID || want.GID != nil && *want.GID != o.GID {
		had = append(had, owner(&o.UID, &o.GID))
		wanted = append(wanted, owner(want.UID, want.GID))
	}
	if want.Mode != nil && *want.Mode != o.Mode {
		had = append(had, "mode "+o.Mode.String())
		wanted = append(wanted, "mode "+want.Mode.String())
	}
	return had, wanted
}

// Words says an owner and a mode as chown and chmod take them.
func Words(p Perm) string {
	var out []string
	if p.UID != nil || p.GID != nil {
		out = append(out, owner(p.UID, p.GID))
	}
	if p.Mode != nil {
		out = append(out, "mode "+p.Mode.String())
	}
	return strings.Join(out, " and ")
}

func owner(uid, gid *int) string {
	switch {
	case uid == nil:
		return fmt.Sprintf("group %d", *gid)
	case gid == nil:
		return fmt.Sprintf("owner %d", *uid)
	}
	return fmt.Sprintf("owner %d:%d", *uid, *gid)
}
