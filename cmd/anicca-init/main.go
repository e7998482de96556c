// Command anicca-init runs in the initrd and in early boot.
//
//	anicca-init reset [--device DEV] [--options OPTS]   before the root is mounted
//	anicca-init persist ROOT                            after that, before switch-root
//	anicca-init finish [--late]                         in the booted system, and again before logins
//	anicca-init save                                    at the end of an orderly shutdown
//
// The hooks that 'anicca init' installs call it; users do not. Where no hook can be installed, init= on the kernel command
// line names it: as the first process it does the work of reset and persist and becomes the machine's own init.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"anicca/internal/boot"
	"anicca/internal/sys"
)

func main() {
	if os.Getpid() == 1 { // whatever its arguments are: the kernel passes words of its command line on
		fmt.Fprintln(os.Stderr, "anicca-init: there is no init:", boot.First(os.Args[1:]))
		os.Exit(boot.ExitFault)
	}
	if err := run(os.Args[1:]); err != nil {
		sys.Say(err.Error())
		fmt.Fprintln(os.Stderr, "anicca-init:", err)
		if errors.Is(err, boot.ErrStop) {
			os.Exit(boot.ExitStop)
		}
		os.Exit(boot.ExitFault)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: anicca-init reset|persist|finish|save")
	}
	switch args[0] {
	case "reset":
		device, options, err := mounted(args[1:])
		if err != nil {
			return err
		}
		return boot.InitrdReset(device, options, boot.Wait(30*time.Second))
	case "persist":
		if len(args) != 2 {
			return fmt.Errorf("usage: anicca-init persist ROOT")
		}
		return boot.InitrdPersist(args[1])
	case "finish":
		if len(args) == 2 && args[1] == "--late" {
			_, err := boot.FinishLate("/", boot.RecordPath)
			return err
		}
		_, err := boot.Finish("/", boot.RecordPath)
		return err
	case "save":
		return boot.Save(time.Now())
	case "shim":
		move, err := boot.Shim(strings.Join(args[1:], " "))
		if move {
			os.Exit(boot.ExitMove)
		}
		return err
	}
	return fmt.Errorf("unknown command %q", args[0])
}

// mounted reads --device and --options: what the initrd will mount as the root.
func mounted(args []string) (device, options string, err error) {
	for ; len(args) > 1; args = args[2:] {
		switch args[0] {
		case "--device":
			device = args[1]
		case "--options":
			options = args[1]
		default:
			return "", "", fmt.Errorf("unknown option %q", args[0])
		}
	}
	if len(args) > 0 {
		return "", "", fmt.Errorf("%q without a value", args[0])
	}
	return device, options, nil
}
