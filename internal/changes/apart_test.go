package changes

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
)

// A home that is new as a whole, on a machine whose base has no such user, is told like one that was there before; and so is what lies in
// new directories of programs. What belongs together stays together.
func TestNewHome(t *testing.T) {
	dir := t.TempDir()
	base, now := filepath.Join(dir, "base"), filepath.Join(dir, "now")
	must(t, os.MkdirAll(base, 0o755))
	files := []string{
		"home/bird/.ssh/id_ed25519", "home/bird/.ssh/known_hosts", "home/bird/thesis.odt", "home/bird/Documents/cv", "home/bird/.config/app/rc",
		"home/bird/.config/app/deep/token.key", "home/bird/.cache/thumbs/1", "home/bird/.local/share/app/db", "home/bird/.vimrc",
		"home/bird/src/project/Makefile", "home/bird/src/project/deploy.key", "home/bird/src/project/__pycache__/x", "home/bird/src/project/Cache/1",
		"home/bird/src/project/lib/cache.c", "etc/app/conf", "etc/app/secrets/tls.pem", "opt/app/bin/app", "opt/app/bin/app.pyc",
		"data/home/cat/.ssh/id_rsa", "data/photos/1", "kept/home/only",
	}
	for i := range 3000 {
		files = append(files, fmt.Sprintf("home/bird/src/project/many/%d/%d", i%50, i))
	}
	for _, p := range files {
		p = filepath.Join(now, p)
		must(t, os.MkdirAll(filepath.Dir(p), 0o755))
		must(t, os.WriteFile(p, []byte("1"), 0o644))
	}
	must(t, os.MkdirAll(filepath.Join(now, "home/bird/Music"), 0o755))
	homes := []string{"/home/bird", "/data/home/cat"}
	scale := review.NewScale(config.Presets(), []decl.Account{{Name: "bird", UID: 1000, Home: homes[0]}, {Name: "cat", UID: 1001, Home: homes[1]}})
	sieve := noise.New(config.Noise(), homes)
	look := Look{Skip: func(p string) bool { return p == "/kept/home" }, Apart: review.Apart(scale, sieve)}
	all, err := Walk(open(t, base), open(t, now), look)
	must(t, err)
	var got []string
	for _, c := range all {
		got = append(got, fmt.Sprint(c.Path, " ", c.Files))
	}
	want := []string{
		"/data 1", "/data/home/cat/.ssh 1", // /data/home only leads to the home, and that to the keys
		"/etc/app 1", "/etc/app/secrets 1",
		"/home/bird/.cache 1", "/home/bird/.config/app 1", "/home/bird/.config/app/deep/token.key 1", "/home/bird/.local/share/app 1",
		"/home/bird/.ssh 2", "/home/bird/.vimrc 1", "/home/bird/Documents 1", "/home/bird/Music 0",
		"/home/bird/src 3002", "/home/bird/src/project/Cache 1", "/home/bird/src/project/__pycache__ 1", "/home/bird/src/project/deploy.key 1",
		"/home/bird/thesis.odt 1", "/kept 0", "/opt/app 1", "/opt/app/bin/app.pyc 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r := review.Make(1, all, []string{"/kept/home"}, scale, sieve)
	worth := map[string]string{}
	for _, i := range r.Items {
		worth[i.Path] = i.Worth.String()
	}
	for p, w := range map[string]string{
		"/home/bird/.ssh": "credentials", "/home/bird/src/project/deploy.key": "credentials", "/home/bird/src": "data", "/home/bird/src/project/Cache": "cache",
		"/home/bird/.config/app": "config", "/home/bird/.local/share/app": "state", "/opt/app": "software", "/data/home/cat/.ssh": "credentials",
	} {
		if worth[p] != w {
			t.Errorf("%s is worth %q, want %s", p, worth[p], w)
		}
	}
	var silent []string
	for _, h := range r.Noise {
		silent = append(silent, h.Path)
	}
	if want := []string{"/home/bird/.cache", "/home/bird/src/project/__pycache__", "/opt/app/bin/app.pyc"}; !slices.Equal(silent, want) {
		t.Errorf("noise is %q, want %q", silent, want)
	}
	if r.Files != len(files)-4 { // noise, and what is kept
		t.Errorf("%d files, want %d", r.Files, len(files)-4)
	}
}
