package config

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"

	"anicca/internal/decl"
	"anicca/internal/noise"
)

//go:embed noise/*.cue
var noiseFiles embed.FS

// Noise returns the catalogue of what no review needs to name, sorted by topic and pattern.
func Noise() []decl.Noise {
	out, err := readNoise(noiseFiles)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return out
}

func readNoise(from fs.FS) ([]decl.Noise, error) {
	ctx := cuecontext.New()
	files, err := fs.Glob(from, "noise/*.cue")
	var out []decl.Noise
	for _, f := range files {
		data, err := fs.ReadFile(from, f)
		if err != nil {
			return nil, err
		}
		var list map[string]string
		if err := ctx.CompileBytes(data, cue.Filename(f)).Decode(&list); err != nil {
			return nil, err
		}
		topic := strings.TrimSuffix(path.Base(f), ".cue")
		for _, p := range slices.Sorted(maps.Keys(list)) {
			out = append(out, decl.Noise{Pattern: p, Why: list[p], Topic: topic})
		}
	}
	return out, err
}

// ignore checks what the user does not want to hear of.
func (h *hoster) ignore(raw map[string]rawIgnore) {
	for _, p := range slices.Sorted(maps.Keys(raw)) {
		at := []string{"ignore", p}
		if err := noise.Check(p); err != nil {
			h.say(at, "such as \"/var/lib/app/*.tmp\" or \"~/.app/cache\"", "%s", fmt.Sprintf("%q %v", p, err))
			continue
		}
		if raw[p].Enable {
			h.host.Ignore = append(h.host.Ignore, decl.Noise{Pattern: p, Why: raw[p].Why, Pos: h.places.at(at...)})
		}
	}
}
