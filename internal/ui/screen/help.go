package screen

// manual is what the keys do.
const manual = `Go through the list, and decide. Nothing happens until you confirm it.

  k        keep it from now on: declare it, and put it in place
           where a preset keeps it, use that; k again: only this path
  K        keep a directory above it, or it, by a path that you edit
  i        ignore it: it goes all the same, and no review names it again;
           you edit the path, or make it a pattern
  u        undo the change: put back what the base has
           what is there now is put aside under a hidden name
  n space  decide nothing, and take back what was decided
  c        confirm: see all decisions, and say yes or no

  enter    look into it: its changes, or what lies in a new directory;
           of a file, how it differs from the base
  d        how it differs from the base
  /        only paths with a text in them
  esc      back; also left
  up down PgUp PgDn Home End   move; also j, g, G
  q        quit; what was decided and not confirmed is not done

In the list, DO is what you decided: keep, preset (keep with it), ignore, undo,
or part: something was decided about what lies in it.
Files that are ignored are not counted as what would go.
`

func (m *Model) help() {
	if t, ok := m.top().(*text); !ok || t.title != helpTitle {
		m.push(newText(helpTitle, manual))
	}
}

const helpTitle = "Help"
