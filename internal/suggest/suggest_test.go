package suggest_test

import (
	"bytes"
	"os"
	"testing"

	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/golden"
	"anicca/internal/suggest"
	"anicca/internal/survey"
	"anicca/internal/ui"
)

// Each archive in testdata is a machine below machine/, perhaps with a declaration in decl/, and what is proposed for it.
// The lines that are proposed must be a valid addition to the declaration, and leave nothing to propose but caches.
func TestSuggest(t *testing.T) {
	golden.Run(t, func(t *testing.T, a *txtar.Archive) map[string]string {
		root := golden.FS(a, "machine/")
		accounts, err := facts.ReadAccounts(root)
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(t.TempDir())
		if err := os.Mkdir("decl", 0o755); err != nil {
			t.Fatal(err)
		}
		propose := func() *suggest.Report {
			m, err := survey.Read(survey.Source{FS: root, Accounts: accounts}, config.Presets())
			if err != nil {
				t.Fatal(err)
			}
			return suggest.Make(m, config.Presets(), load(t, accounts))
		}
		write(t, "decl/host.cue", golden.Content(a, "decl/host.cue"))
		r := propose()
		var b bytes.Buffer
		ui.Suggest(&b, r)
		write(t, "decl/suggested.cue", r.Lines)
		if again := propose(); r.Lines != "" {
			for _, p := range again.Proposals {
				if p.Tier != decl.TierCache {
					t.Errorf("with what was proposed, this is proposed still: %+v", p)
				}
			}
		}
		return map[string]string{"want": b.String()}
	})
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if text == "" {
		return
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// load evaluates what is declared so far; it is nil if that is nothing.
func load(t *testing.T, accounts *facts.Accounts) *decl.Host {
	t.Helper()
	if list, err := os.ReadDir("decl"); err != nil || len(list) == 0 {
		return nil
	}
	host, err := config.Load(config.Options{Dir: "decl", Host: "nest", Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	return host
}
