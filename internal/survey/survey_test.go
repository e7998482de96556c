package survey_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"anicca/internal/decl"
	"anicca/internal/facts"
	"anicca/internal/survey"
)

// closed is a machine as somebody sees it who may not look into a directory.
type closed struct {
	fstest.MapFS
	dir string
}

func (c closed) Open(name string) (fs.File, error) {
	if name == c.dir || strings.HasPrefix(name, c.dir+"/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return c.MapFS.Open(name)
}

func (c closed) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == c.dir {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return c.MapFS.ReadDir(name)
}

func keeps(paths ...string) []decl.Preset {
	p := decl.Preset{Name: "one"}
	for _, at := range paths {
		p.Entries = append(p.Entries, decl.PresetEntry{Path: at, Kind: decl.Directory})
	}
	return []decl.Preset{p}
}

// What may not be looked into is named, so that nobody takes silence for "nothing there"; and nothing is claimed of it.
func TestPrivate(t *testing.T) {
	root := closed{fstest.MapFS{
		"var/lib/bluetooth/key": {Data: []byte("x")},
		"var/lib/open/key":      {Data: []byte("x")},
		"var/lib/empty":         {Mode: fs.ModeDir | 0o755},
		"var/lib/hollow/a/b":    {Mode: fs.ModeDir | 0o755},
	}, "var/lib/bluetooth"}
	accounts, err := facts.ReadAccounts(root)
	if err != nil {
		t.Fatal(err)
	}
	m, err := survey.Read(survey.Source{FS: root, Accounts: accounts}, keeps("/var/lib/bluetooth", "/var/lib/open", "/var/lib/empty", "/var/lib/hollow", "/var/lib/none"))
	if err != nil {
		t.Fatal(err)
	}
	if !m.Data["/var/lib/open"] || m.Data["/var/lib/bluetooth"] || m.Data["/var/lib/empty"] || m.Data["/var/lib/hollow"] || m.Data["/var/lib/none"] {
		t.Errorf("data: %v", m.Data)
	}
	if !slices.Equal(m.Private, []string{"/var/lib/bluetooth"}) {
		t.Errorf("private: %v", m.Private)
	}
}

// A directory with a million files must not be walked through.
func TestLargeDirectory(t *testing.T) {
	root := fstest.MapFS{}
	for _, c := range "abcdefghij" {
		for _, d := range "abcdefghij" {
			for n := range 15 {
				root["var/lib/x/"+string(c)+"/"+string(d)+"/"+string(rune('a'+n))] = &fstest.MapFile{}
			}
		}
	}
	accounts, err := facts.ReadAccounts(root)
	if err != nil {
		t.Fatal(err)
	}
	m, err := survey.Read(survey.Source{FS: root, Accounts: accounts}, keeps("/var/lib/x"))
	if err != nil {
		t.Fatal(err)
	}
	if !m.Data["/var/lib/x"] {
		t.Error("1500 files, if empty ones, are no data")
	}
}
