package apply

import (
	"path"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/plan"
	"anicca/internal/sys"
)

// untoldFile has what a boot has to tell of versions that it put aside, a sentence a line, until a booted system has it.
const untoldFile = decl.StateDir + "/carry/untold"

// Untold returns what boots have to tell that were cut off before they could, and what this one has to.
func (c *Carrier) Untold() []string {
	data, err := c.Root.ReadFile(path.Join(c.Store, untoldFile))
	if err != nil { // it is told as far as it is known
		return nil
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n")
}

// remember makes sure that a sentence is told, also if the power goes when the store is changed, but nothing was told yet. What is
// said of a running system is heard at once.
func (c *Carrier) remember(said string) {
	if c.Last == nil {
		return
	}
	all := append(c.Untold(), said)
	// The version lies aside in any case, and status names that.
	_ = c.Root.WriteFile(path.Join(c.Store, untoldFile), []byte(strings.Join(all, "\n")+"\n"), sys.Mine(0o600))
}

// Heard forgets what boots had to tell: it is where the user finds it.
func Heard(t *sys.Tree, store string) error {
	return ignoreMissing(t.Remove(path.Join(store, untoldFile)))
}

// Unwritten looks after sessions of which it is not known what was placed in them, as it could not be written down: what the one
// at the path at in t has in a file, and the store has not, is put aside. Call it before [Carrier.Carry].
func (c *Carrier) Unwritten(s plan.Step, t *sys.Tree, at string) error {
	if there, err := carriable(t, at); err != nil || !there { // nothing of it could be carried
		return nil
	}
	if empty, err := t.Empty(at); err != nil || empty {
		return err
	}
	if target, err := t.Readlink(at); err == nil && target == s.Source {
		return nil
	}
	diff, err := sys.Compare(t, at, c.Root, s.Source, 1)
	if ignoreMissing(err) != nil || err == nil && same(diff) {
		return ignoreMissing(err)
	}
	p, err := c.aside(s, t, at)
	if err == nil {
		c.remember("what an earlier session has changed in " + s.Path + " could not be carried over, as that session could not write down what it began with; " +
			"its version was put aside as " + p + ": compare the two, and remove that one")
	}
	return err
}

// Known reports whether it is known what was placed at the path in the root of that identity.
func (c *Carrier) Known(root, p string) (bool, error) {
	k, err := c.known(root, p)
	return k != unknown, err
}
