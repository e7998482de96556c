package recall

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/rogpeppe/go-internal/diff"

	"anicca/internal/sys"
)

// most is how many bytes of text are compared line by line; what is larger is told by size and hash.
const most = 4 << 20

// Diff is how what lies at a path differs between two places.
type Diff struct {
	Path   string   `json:"path"`
	From   string   `json:"from"`
	To     string   `json:"to"`
	Before *Version `json:"before"` // null if nothing lies there
	After  *Version `json:"after"`
	Same   bool     `json:"same"`

	Meta    []string `json:"meta,omitempty"`    // mode, owner, access lists, attributes, link target, as "mode: 0644 -> 0600"
	Content bool     `json:"content,omitempty"` // the contents of a file differ
	Text    string   `json:"text,omitempty"`    // as a unified diff, if both sides are text
	Changes []Change `json:"changes,omitempty"` // below a directory, in the order of their paths
	Passed  []string `json:"passed,omitempty"`  // not looked into, as something else is mounted there
}

// ErrNeither says that nothing lies at a path in both of two places.
var ErrNeither = errors.New("neither")

// Compare compares what lies at p in two places.
func Compare(from, to *View, p string) (*Diff, error) {
	d := &Diff{Path: p, From: from.Name, To: to.Name}
	x, err := from.Stat(p)
	if err != nil {
		return nil, err
	}
	y, err := to.Stat(p)
	if err != nil {
		return nil, err
	}
	if x == nil && y == nil {
		return nil, fmt.Errorf("%s is %w in %s nor in %s", p, ErrNeither, from.Name, to.Name)
	}
	if x != nil {
		d.Before, err = from.describe(p, x)
	}
	if y != nil && err == nil {
		d.After, err = to.describe(p, y)
	}
	if x != nil && y != nil && err == nil {
		d.Meta, err = meta(from, to, p, x, y)
	}
	if err != nil {
		return nil, err
	}
	if d.is("directory") {
		if d.Changes, d.Passed, err = Changes(from, to, p); err != nil {
			return nil, err
		}
	}
	if d.is("file") {
		if err = d.content(from, to); err != nil {
			return nil, err
		}
	}
	d.Same = d.Before != nil && d.After != nil && len(d.Meta) == 0 && len(d.Changes) == 0 && !d.Content
	return d, nil
}

// is reports whether one side is of a type, and the other too if it is there.
func (d *Diff) is(kind string) bool {
	is := func(v *Version) bool { return v == nil || v.Type == kind }
	return is(d.Before) && is(d.After)
}

func (d *Diff) content(from, to *View) error {
	var err error
	if x, y := d.Before, d.After; x != nil && y != nil && x.Size == y.Size {
		if same, err := sameContent(from, to, d.Path); same || err != nil {
			return err
		}
	}
	d.Content = true
	was, a, err := from.text(d.Path, d.Before)
	if err != nil {
		return err
	}
	is, b, err := to.text(d.Path, d.After)
	if err != nil {
		return err
	}
	if a && b {
		name := func(v *View, x *Version) string {
			if x == nil {
				return "/dev/null"
			}
			return v.ID + ":" + d.Path
		}
		text := diff.Diff(name(from, d.Before), was, name(to, d.After), is)
		if _, rest, ok := bytes.Cut(text, []byte("\n")); ok {
			d.Text = string(rest) // without the line that names the command
		}
		return nil
	}
	for _, side := range []struct {
		v *View
		x *Version
	}{{from, d.Before}, {to, d.After}} {
		if side.x != nil {
			if side.x.Hash, err = side.v.hash(d.Path); err != nil {
				return err
			}
		}
	}
	return nil
}

// text reads the file p; ok is false if it is no text, or too long to be compared by lines.
func (v *View) text(p string, x *Version) (data []byte, ok bool, err error) {
	if x == nil {
		return nil, true, nil
	}
	if x.Size > most {
		return nil, false, nil
	}
	f, err := v.reader(p)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	data, err = io.ReadAll(io.LimitReader(f, most+1))
	return data, err == nil && len(data) <= most && !bytes.ContainsRune(data, 0), err
}

// same reports whether two objects at p are the same in content and in all metadata but times, and what of the metadata differs.
// Of directories it looks at themselves only. Unless it shall be sure, equal size and time of change count as equal content.
func same(a, b *View, p string, x, y *sys.Stat, sure bool) (is bool, diff []string, err error) {
	if diff, err = meta(a, b, p, x, y); err != nil || !x.IsFile() || !y.IsFile() {
		return len(diff) == 0, diff, err
	}
	is = x.Size == y.Size
	if is && (sure || x.Mtim != y.Mtim) {
		is, err = sameContent(a, b, p)
	}
	return is && len(diff) == 0, diff, err
}
