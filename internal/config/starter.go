package config

import (
	"fmt"
	"strings"
)

// StarterFacts is what a starter declaration says.
type StarterFacts struct {
	Host    string
	Backend string
	Store   string
	Volumes []string
	Dirs    []StarterEntry
	Files   []StarterEntry
}

// StarterEntry is one entry of a starter declaration, with its reason.
type StarterEntry struct {
	Path    string
	Comment string
}

// Starter returns the text of a declaration for a machine that begins to forget.
func Starter(f StarterFacts) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("// What %s keeps. Everything else is gone at the next boot, once reset is \"on\".\n", f.Host)
	p("// Every word that can stand here, with its meaning: anicca schema\n")
	p("// After a change: anicca check, then anicca apply.\n\n")
	p("root: {\n\tbackend: %q\n\n", f.Backend)
	p("\t// \"observe\" puts kept state in place and throws nothing away. When 'anicca status' is clean after a reboot,\n")
	p("\t// write \"on\" and run 'anicca apply': from the next boot on, the machine forgets.\n")
	p("\treset: \"observe\"\n\n")
	p("\t// Old roots are kept, so that you can get back what you forgot to declare: anicca restore PATH\n")
	p("\tarchive: {count: 10, days: 30}\n")
	if len(f.Volumes) > 0 {
		p("\n\t// The package database lies in it, and belongs to /usr: both are reset together.\n")
		for _, v := range f.Volumes {
			p("\tvolumes: %q: {}\n", v)
		}
	}
	p("}\n\n")
	p("persist: %q: {\n\tdirectories: {\n", f.Store)
	entries(&b, f.Dirs)
	p("\t}\n\tfiles: {\n")
	entries(&b, f.Files)
	p("\t}\n\n\t// Of homes, only what is listed here is kept, when /home is not kept whole:\n")
	p("\t// users: bird: {\n\t// \tdirectories: {Documents: {}, \".ssh\": mode: \"0700\"}\n\t// \tfiles: \".profile\": {}\n\t// }\n}\n")
	return b.String()
}

func entries(b *strings.Builder, list []StarterEntry) {
	said := ""
	for _, e := range list {
		if e.Comment != "" && e.Comment != said {
			fmt.Fprintf(b, "\t\t// %s\n", e.Comment)
			said = e.Comment
		}
		fmt.Fprintf(b, "\t\t%q: {}\n", e.Path)
	}
}
