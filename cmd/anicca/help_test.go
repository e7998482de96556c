package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// The help of every verb fits into 80 columns.
func TestHelpFits(t *testing.T) {
	var each func(*cobra.Command)
	each = func(c *cobra.Command) {
		var out strings.Builder
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(out.String()) {
			if l = strings.TrimSuffix(l, "\n"); utf8.RuneCountInString(l) > 80 {
				t.Errorf("%s --help: %q", c.CommandPath(), l)
			}
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(command())
}
