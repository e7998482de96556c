package apply

import (
	"path"
	"strings"

	"anicca/internal/decl"
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
