package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// ByHand says that no file of a declaration can be edited, and what to write.
type ByHand struct {
	Dir   string
	Lines string
}

func (e ByHand) Error() string {
	return fmt.Sprintf("no file of %s can be edited by this program: they are JSON, or links to files elsewhere. Where yours are made, add\n\n%s\n",
		e.Dir, e.Lines)
}

// byHand words an entry for whoever writes the declaration.
func (e *editor) byHand(at []string, key, value string) error {
	names := append(slices.Clone(at), key)
	if slices.ContainsFunc(e.texts, func(t source) bool { return filepath.Ext(t.path) == ".cue" }) {
		return ByHand{e.o.Dir, "\t" + chain(names) + ": " + value}
	}
	value = strings.Replace(value, "enable: false", `{"enable": false}`, 1)
	for i := range names {
		names[i] = fmt.Sprintf("%q: ", names[i])
	}
	return ByHand{e.o.Dir, "\t{" + strings.Join(names, "{") + value + strings.Repeat("}", len(names))}
}
