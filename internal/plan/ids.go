package plan

import (
	"fmt"

	"anicca/internal/facts"
)

// moved reports whether kept data belongs to accounts that have other numbers now. Nothing is given away by itself.
func (m *maker) moved() bool {
	for _, store := range m.facts.Moving {
		m.conflict(m.host.Root.Pos, store, "run 'anicca apply --ids give', which goes on with it",
			"what is kept here is on its way to other owners, which was interrupted")
	}
	for _, x := range m.facts.Moved {
		m.conflict(m.host.Root.Pos, x.Store, movedHint(x), "%s, and %s belongs to %d. Nothing is applied before you have decided", x.Moved, x.Path, x.Was)
	}
	return len(m.facts.Moved)+len(m.facts.Moving) > 0
}

func movedHint(x facts.Moved) string {
	change, flag := "usermod", "-u"
	if x.Group {
		change, flag = "groupmod", "-g"
	}
	accept := "'anicca apply --ids give' gives kept data to the new numbers, '--ids leave' leaves it as it is"
	switch {
	case x.Is < 0:
		return fmt.Sprintf("give %s another number (%s %s NUMBER %s), or accept that its data is %s's: 'anicca apply --ids leave'", x.Now, change, flag, x.Now, x.Now)
	case x.Now != "":
		return fmt.Sprintf("give both their numbers back (%s %s NUMBER %s, then %s %s %d %s), or accept the new ones: %s", change, flag, x.Now, change, flag, x.Was, x.Name, accept)
	}
	return fmt.Sprintf("give %s its number back (%s %s %d %s), or accept the new one: %s", x.Name, change, flag, x.Was, x.Name, accept)
}
