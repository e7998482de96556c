package boot

import (
	"errors"
	"path/filepath"
	"slices"

	"anicca/internal/sys"
)

// How the program ends, where that means something to what has started it.
const (
	ExitFault = 1
	ExitMove  = 64  // to [First]: there is a root to move to
	ExitStop  = 100 // to the hooks of initrds: the boot shall stop, see [ErrStop]
)

// First is what the program does as the first process of a machine, where init= on the kernel command line names it:
// a child of it does the work of [Shim], and then it becomes the machine's own init, whatever has happened to the child.
// It returns only if there is no init. Args are those of the first process.
func First(args []string) error {
	sys.HoldSignals()
	_ = sys.MountEarly() // for the name of this program; the child says what is wrong
	code, err := sys.Again("shim")
	if code == ExitMove {
		err = sys.ChangeRoot(newRoot)
	}
	if said := code == ExitFault || code == ExitStop; err != nil && !said {
		_, err = sys.Again("shim", err.Error())
	}
	for _, p := range inits(argument(readCmdline(), "anicca.init")) {
		err = errors.Join(err, sys.Exec(p, args))
	}
	return err
}

// inits returns what may be the machine's own init, as the kernel would look for it without init=.
func inits(named string) []string {
	list := []string{named, "/sbin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/etc/init", "/bin/init", "/bin/sh"}
	return slices.DeleteFunc(list, func(p string) bool {
		real, err := filepath.EvalSymlinks(p)
		return p == "" || err != nil || filepath.Base(real) == "anicca-init" // it would come here again and again
	})
}
