package ui

import (
	"cmp"
	"fmt"
	"io"

	"anicca/internal/decl"
)

// Presets writes a catalogue, by topic.
func Presets(w io.Writer, list []decl.Preset) {
	topic := ""
	var rows [][]string
	for _, p := range list {
		if p.Topic != topic {
			Table(w, rows)
			if rows != nil {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s:\n", p.Topic)
			topic, rows = p.Topic, nil
		}
		rows = append(rows, []string{"  " + p.Name, whereTo(p), p.What})
	}
	Table(w, rows)
}

// whereTo says in which list a preset belongs.
func whereTo(p decl.Preset) string {
	system, home := false, false
	for _, e := range p.Entries {
		system, home = system || !e.Home, home || e.Home
	}
	switch {
	case system && home:
		return "system and homes"
	case home:
		return "homes"
	}
	return "system"
}

// PresetPaths writes presets with all that they keep.
func PresetPaths(w io.Writer, list []decl.Preset) {
	for i, p := range list {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s (%s): %s\n", p.Name, p.Topic, p.What)
		if p.Hazard != "none known" {
			fmt.Fprintf(w, "  beware: %s\n", p.Hazard)
		}
		rows := [][]string{{"  PATH", "KIND", "PHASE", "TIER", "MODE", "BEWARE"}}
		for _, e := range p.Entries {
			rows = append(rows, []string{"  " + presetPath(e), string(e.Kind), string(e.Phase), string(e.Tier), presetMode(e), e.Hazard})
		}
		Table(w, rows)
	}
}

func presetPath(e decl.PresetEntry) string {
	switch {
	case e.Folder != "":
		return "~/" + e.Path + ", by its name there"
	case e.Home:
		return "~/" + e.Path
	}
	return e.Path
}

func presetMode(e decl.PresetEntry) string {
	if e.Mode == nil {
		return "as it is found"
	}
	why := map[decl.ModeSource]string{
		decl.ModeProgram: "the program wants it",
		decl.ModeCustom:  "people write it so",
	}[e.ModeFrom]
	return fmt.Sprintf("%s, %s", e.Mode, cmp.Or(why, string(e.ModeFrom)))
}
