package config

import (
	"testing"

	"anicca/internal/decl"
	"anicca/internal/noise"
)

// TestNoise holds the catalogue to what it promises: patterns that work, each with a reason, none twice, and none that hides
// what a preset says cannot be had again.
func TestNoise(t *testing.T) {
	seen := map[string]string{}
	for _, n := range Noise() {
		if err := noise.Check(n.Pattern); err != nil {
			t.Errorf("%s: %q %v", n.Topic, n.Pattern, err)
		}
		if n.Why == "" {
			t.Errorf("%s: %q has no reason", n.Topic, n.Pattern)
		}
		if other, twice := seen[n.Pattern]; twice {
			t.Errorf("%q is in %s and in %s", n.Pattern, other, n.Topic)
		}
		seen[n.Pattern] = n.Topic
	}
	if len(seen) < 100 {
		t.Errorf("only %d patterns", len(seen))
	}
	s := noise.New(Noise(), []string{"/home/bird"})
	for _, p := range Presets() {
		for _, e := range p.Entries {
			at := e.Path
			if e.Home {
				at = "/home/bird/" + at
			}
			if n, hidden := s.Find(at); hidden && e.Tier == decl.TierKeep {
				t.Errorf("preset %s keeps %s, and %q hides it from the review", p.Name, at, n.Pattern)
			}
		}
	}
	for _, p := range []string{"/etc/passwd", "/etc/hosts", "/home/bird/thesis.odt", "/root/notes", "/var/lib/bluetooth/x", "/etc/ssh/sshd_config", "/var/lib/app/data.db", "/usr/local/bin/x", "/home/bird/.config/app/settings", "/home/bird/.notes.swp"} {
		if n, hidden := s.Find(p); hidden {
			t.Errorf("%s is worth a word, and %s: %q hides it", p, n.Topic, n.Pattern)
		}
	}
}
