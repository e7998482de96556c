package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAssignments(t *testing.T) {
	for text, want := range map[string]string{
		"HOOKS=(base udev)": "base udev",
		"HOOKS=(base\n  udev # no\n\tblock)\nMODULES=()": "base udev block",
		"HOOKS=('base' \"udev\")\nHOOKS+=(anicca)":       "base udev anicca",
		"HOOKS=\"base udev\"":                            "base udev",
		"  HOOKS=(a) # (b)\n#HOOKS=(c)\nHOOKS=(d)":       "d",
		"BINARIES=(\"$x\" ~/y)\nHOOKS=(a);MODULES=(b)":   "a",
		"HOOKS=(a'b'c)": "abc",
		"":              "",
		"HOOKS=()":      "",
		"COMPRESSION_OPTIONS=(-T 0 \"a b\")\nHOOKS=(a b-c)": "a b-c",
		"HOOKS=(a '$(b)')": "a $(b)",

		"HOOKS=(base ${more})":                 "?",
		"HOOKS=(\"${HOOKS[@]/udev/systemd}\")": "?",
		"HOOKS=(base *)":                       "?",
		"HOOKS=(base $(cat x))":                "?",
		"HOOKS=(base `cat x`)":                 "?",
		"if true; then HOOKS=(a); fi":          "?",
		"[[ $x ]] && HOOKS+=(a)":               "?",
		"HOOKS=(a) true":                       "?",
		"HOOKS=a\nHOOKS+=(b)":                  "?",
		"HOOKS=(a)\nHOOKS+=b":                  "?",
		"HOOKS[1]=b":                           "?",
		"unset HOOKS":                          "?",
		". /etc/other":                         "?",
		"HOOKS=(a":                             "?",
		"HOOKS=('a)":                           "?",
		"HOOKS=a>b":                            "?",
		"export HOOKS=(a)":                     "?",
	} {
		got := "?"
		all, err := assignments("conf", text)
		if err == nil {
			var words []string
			if words, err = value(all, "HOOKS"); err == nil {
				got = strings.Join(words, " ")
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q (%v)", text, got, want, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "conf:") {
			t.Errorf("%q: the error does not say where: %v", text, err)
		}
		if want != "?" {
			asBash(t, text, want)
		}
	}
}

// asBash compares what was read with what bash itself makes of the text.
func asBash(t *testing.T, text, want string) {
	t.Helper()
	p := filepath.Join(t.TempDir(), "conf")
	if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("bash", "-c", `. "$1"; echo "${HOOKS[*]}"`, "bash", p).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := strings.TrimSuffix(string(out), "\n"); got != want {
		t.Errorf("%q: bash says %q, we %q", text, got, want)
	}
}

func FuzzAssignments(f *testing.F) {
	for _, s := range []string{"HOOKS=(a b)\nX+='c d'", "A=\"b\\\"c\" # d\n", "A=(b\n#)\n)", "A='", "A=$(b)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := assignments("conf", text)
		if err != nil {
			return
		}
		for _, a := range all {
			if a.name == "" || a.line < 1 || a.line > strings.Count(text, "\n")+1 {
				t.Errorf("%q: %+v", text, a)
			}
			// Plain words come from the text as they are, but for quotes.
			bare := strings.NewReplacer("'", "", `"`, "").Replace(text)
			if a.plain && slices.ContainsFunc(a.words, func(w string) bool {
				return !strings.Contains(bare, strings.NewReplacer("'", "", `"`, "").Replace(w))
			}) {
				t.Errorf("%q: %q is not in it", text, a.words)
			}
		}
	})
}
