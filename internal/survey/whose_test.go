package survey_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/golden"
	"anicca/internal/noise"
	"anicca/internal/review"
	"anicca/internal/survey"
	"anicca/internal/ui"
)

// Each archive in testdata/whose is a machine below machine/, its base below base/, as far as they differ in what databases say, and what
// has changed, with the review that comes of it. The lines in "changes" are those of [change].
func TestWhose(t *testing.T) {
	golden.RunIn(t, "testdata/whose", func(t *testing.T, a *txtar.Archive) map[string]string {
		root := golden.FS(a, "machine/")
		accounts, err := facts.ReadAccounts(root)
		if err != nil {
			t.Fatal(err)
		}
		var all []review.Change
		q := survey.Question{FS: root, Base: golden.FS(a, "base/")}
		for line := range strings.Lines(golden.Content(a, "changes")) {
			c := change(t, line)
			all, q.Paths = append(all, c), append(q.Paths, c.Path)
		}
		if answers := golden.Content(a, "rpm"); answers != "" {
			q.RPM = func(base bool, args ...string) (string, error) {
				if base {
					return "", errors.New("exit status 1")
				}
				return pretendRPM(answers, args)
			}
		}
		review.Sort(all)
		w, err := survey.Ask(q)
		if err != nil {
			t.Fatal(err)
		}
		o := review.Origins{
			Packages: w.Packages, Pristine: w.Pristine, Helpers: w.Helpers, Units: w.Units, Made: w.Made, Users: map[uint32]string{},
		}
		var people []decl.Account
		for _, u := range accounts.Users() {
			o.Users[uint32(u.UID)] = u.Name
			if u.Person() {
				people = append(people, u)
			}
		}
		scale := review.NewScale(config.Presets(), people)
		scale.Tell(o)
		var b bytes.Buffer
		ui.Review(&b, review.Make(1, all, nil, scale, noise.New(config.Noise(), nil)), 3600)
		return map[string]string{"want": b.String()}
	})
}

// change reads "WHAT KIND FILES UID PATH".
func change(t *testing.T, line string) (c review.Change) {
	t.Helper()
	if _, err := fmt.Sscan(line, &c.What, &c.Kind, &c.Files, &c.UID, &c.Path); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	c.Size = int64(c.Files) * 100
	if c.What == review.Modified {
		c.Differs = review.Content
	}
	return c
}

// pretendRPM answers as rpm does, from lines "NAME FLAGS SUM PATH".
func pretendRPM(answers string, args []string) (string, error) {
	i := slices.Index(args, "--")
	var out strings.Builder
	var failed error
	for _, asked := range args[i+1:] {
		any := false
		for line := range strings.Lines(answers) {
			f := strings.Fields(line)
			switch {
			case args[0] == "-qf" && f[3] == asked:
				fmt.Fprintln(&out, strings.ReplaceAll(strings.TrimSuffix(args[2], `\n`), "%{NAME}", f[0]))
				any = true
			case args[0] == "-q" && f[0] == asked:
				fmt.Fprintln(&out, strings.Join(f, "\t"))
				any = true
			}
		}
		if !any {
			fmt.Fprintf(&out, "file %s is not owned by any package\n", asked)
			failed = errors.New("exit status 1")
		}
	}
	return out.String(), failed
}

// What cannot be read is said to be nobody's.
func TestWhoseNothing(t *testing.T) {
	w, err := survey.Ask(survey.Question{FS: fstest.MapFS{}, Paths: []string{"/usr/bin/x"}})
	if err != nil || len(w.Packages) > 0 {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := survey.Ask(survey.Question{FS: closed{fstest.MapFS{"var/lib/dpkg/info/a.list": {}}, "var/lib/dpkg/info"}, Paths: []string{"/a"}}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a database that may not be read: %v", err)
	}
}
