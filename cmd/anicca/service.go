package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"anicca/internal/boot"
	"anicca/internal/sys"
	"anicca/internal/watch"
)

// serviceCommand does what the units of the booted system are for that nothing waits for. It is in this program, as the other one
// has to be small.
func serviceCommand() *cobra.Command {
	services := map[string]func() error{
		"watch":    watch.Main,
		"observe":  func() error { return boot.Observe("/", boot.RecordPath, time.Now()) },
		"expire":   func() error { return boot.Expire(time.Now(), 2*time.Second) },
		"fill":     boot.WarnFill,
		"baseline": baselineService,
	}
	return &cobra.Command{
		Use:    "service watch|observe|expire|fill|baseline",
		Short:  "Do the work of one of anicca's units",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			do, ok := services[args[0]]
			if !ok {
				return exitError{exitUsage, fmt.Sprintf("there is no service %q", args[0])}
			}
			err := do()
			if err != nil {
				sys.Say(err.Error())
			}
			return err
		},
	}
}
