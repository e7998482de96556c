package facts

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"anicca/internal/decl"
)

// folder asks for a folder of bird, whose user-dirs.dirs holds the text.
func folder(t *testing.T, text, name string) (string, error) {
	t.Helper()
	a, err := ReadAccounts(fstest.MapFS{
		"etc/passwd":                       {Data: []byte("bird:x:1000:1000::/home/bird:/bin/sh\n")},
		"home/bird/.config/user-dirs.dirs": {Data: []byte(text)},
	})
	if err != nil {
		t.Fatal(err)
	}
	bird, _ := a.User("bird")
	return a.Folder(bird, name)
}

func TestFolder(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, "Documents"},
		{`XDG_MUSIC_DIR="$HOME/Musik"`, "Documents"},
		{`XDG_DOCUMENTS_DIR="$HOME/Dokumente"`, "Dokumente"},
		{"  XDG_DOCUMENTS_DIR=\"$HOME/Mes documents/ici\"  \n# x\n", "Mes documents/ici"},
		{`XDG_DOCUMENTS_DIR="$HOME/a\"b\\c\$d"`, `a"b\c$d`},
		{"XDG_DOCUMENTS_DIR=\"$HOME/one\"\nXDG_DOCUMENTS_DIR=\"$HOME/two\"\n", "two"},
		{`#XDG_DOCUMENTS_DIR="$HOME/Dokumente"`, "Documents"},
		// Nothing is kept for what is the home itself, outside of it, or no such value.
		{`XDG_DOCUMENTS_DIR="$HOME/"`, ""},
		{`XDG_DOCUMENTS_DIR="$HOME/."`, ""},
		{`XDG_DOCUMENTS_DIR="$HOME"`, ""},
		{`XDG_DOCUMENTS_DIR="$HOMELESS/x"`, ""},
		{`XDG_DOCUMENTS_DIR="/etc"`, ""},
		{`XDG_DOCUMENTS_DIR="/home/bird/Dokumente"`, ""},
		{`XDG_DOCUMENTS_DIR="$HOME/../fish"`, ""},
		{`XDG_DOCUMENTS_DIR="$HOME/a/../../fish"`, ""},
		{`XDG_DOCUMENTS_DIR="$HOME//etc"`, ""},
		{`XDG_DOCUMENTS_DIR="$HOME/open`, ""},
		{`XDG_DOCUMENTS_DIR='$HOME/x'`, ""},
		{"XDG_DOCUMENTS_DIR=\"$HOME/a\x07b\"", ""},
		{"XDG_DOCUMENTS_DIR=\"$HOME/a\\\x1bb\"", ""},
	} {
		if got, err := folder(t, c.text, "documents"); got != c.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", c.text, got, err, c.want)
		}
	}
}

// What a user may have put there must not fill the memory of whoever asks.
func TestFolderOfALongFile(t *testing.T) {
	if _, err := folder(t, strings.Repeat("# long\n", 1<<20), "documents"); err == nil {
		t.Error("a file of 7 MB was read")
	}
}

func FuzzFolder(f *testing.F) {
	f.Add(`$HOME/Dokumente"`)
	f.Add(`$HOME/a\"b/../c"`)
	f.Fuzz(func(t *testing.T, value string) {
		rel := belowHome(`"` + value)
		if rel == "" {
			return
		}
		if !fs.ValidPath(rel) || rel == "." {
			t.Errorf("%q leads to %q", value, rel)
		}
	})
}

var _ decl.Accounts = (*Accounts)(nil)
