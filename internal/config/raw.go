package config

import "cmp"

// The declaration as the schema has it, before names, paths and modes are understood.

type rawHost struct {
	Root struct {
		Backend string `json:"backend"`
		Reset   string `json:"reset"`
		Archive struct {
			Count int `json:"count"`
			Days  int `json:"days"`
		} `json:"archive"`
		Strict  bool   `json:"strict"`
		Size    string `json:"size"`
		Volumes map[string]struct {
			Enable bool `json:"enable"`
		} `json:"volumes"`
	} `json:"root"`
	Persist map[string]rawStore  `json:"persist"`
	Ignore  map[string]rawIgnore `json:"ignore"`
	Report  rawReport            `json:"report"`
}

type rawReport struct {
	Enable   bool   `json:"enable"`
	Login    bool   `json:"login"`
	Shutdown bool   `json:"shutdown"`
	Desktop  bool   `json:"desktop"`
	Metrics  string `json:"metrics"`
}

type rawIgnore struct {
	Enable bool   `json:"enable"`
	Why    string `json:"why"`
}

type rawStore struct {
	Enable     bool              `json:"enable"`
	Need       string            `json:"need"`
	Users      map[string]rawSet `json:"users"`
	HideMounts bool              `json:"hideMounts"`
	AllowTrash *bool             `json:"allowTrash"`
	rawSet
}

// rawSet is what a store and a home have in common.
type rawSet struct {
	Directories map[string]rawEntry `json:"directories"`
	Files       map[string]rawEntry `json:"files"`
	Use         map[string]rawUse   `json:"use"`
}

type rawUse struct {
	Enable bool `json:"enable"`
}

type rawEntry struct {
	Enable       bool     `json:"enable"`
	Phase        string   `json:"phase"`
	Tier         string   `json:"tier"`
	Method       string   `json:"method"`
	Parent       rawPerm  `json:"parentDirectory"`
	MountOptions []string `json:"mountOptions"`
	Enforce      *bool    `json:"enforce"`
	OnConflict   string   `json:"onConflict"`
	OnDelete     string   `json:"onDelete"`
	HideMounts   *bool    `json:"hideMounts"`
	AllowTrash   *bool    `json:"allowTrash"`
	rawPerm
}

type rawPerm struct {
	User  string `json:"user"`
	Group string `json:"group"`
	Mode  string `json:"mode"`
}

// over lays what the user wrote over what a preset says.
func (e rawEntry) over(preset rawEntry) rawEntry {
	e.rawPerm = e.rawPerm.over(preset.rawPerm)
	e.Parent = e.Parent.over(preset.Parent)
	if e.Enforce == nil {
		e.Enforce = preset.Enforce
	}
	if e.MountOptions == nil {
		e.MountOptions = preset.MountOptions
	}
	e.Phase = cmp.Or(e.Phase, preset.Phase)
	e.Tier = cmp.Or(e.Tier, preset.Tier)
	e.OnConflict = cmp.Or(e.OnConflict, preset.OnConflict)
	e.OnDelete = cmp.Or(e.OnDelete, preset.OnDelete)
	return e
}

func (p rawPerm) over(preset rawPerm) rawPerm {
	if p.User == "" && p.Group == "" {
		p.User, p.Group = preset.User, preset.Group
	}
	if p.Mode == "" {
		p.Mode = preset.Mode
	}
	return p
}
