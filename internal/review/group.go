package review

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Item is one line of a report: a path, or a directory with the changes in it that belong together.
type Item struct {
	Path     string   `json:"path"`
	Worth    Worth    `json:"worth"`
	Preset   string   `json:"preset,omitempty"` // that would keep it
	Home     string   `json:"home,omitempty"`   // name of the user in whose home it lies
	Added    int      `json:"added"`            // files
	Modified int      `json:"modified"`
	Deleted  int      `json:"deleted"`
	Size     int64    `json:"size"`   // of what was added or modified, in bytes
	Newest   int64    `json:"newest"` // when the newest of it was changed last, in seconds since 1970
	UID      uint32   `json:"uid"`    // owner of the newest
	Owner    string   `json:"owner"`  // the same by name, or by number if it has none
	Writer   *Writer  `json:"writer,omitempty"`
	Packages []string `json:"packages,omitempty"` // the item is these, installed, upgraded or removed, and not what lies at the path
	Changes  []Change `json:"changes"`            // sorted by path
}

// Title names the item for people.
func (i Item) Title() string {
	switch {
	case len(i.Packages) == 1:
		return "package " + i.Packages[0]
	case len(i.Packages) > few+1:
		return fmt.Sprintf("packages %s and %d more", strings.Join(i.Packages[:few], ", "), len(i.Packages)-few)
	case len(i.Packages) > 1:
		return "packages " + strings.Join(i.Packages, ", ")
	case i.Writer != nil && i.Writer.Kind == Manager:
		return "what " + i.Writer.Name + " notes of packages"
	}
	return i.Path
}

// Apart reports whether the item can be kept by its path. What belongs to packages cannot: their database and their files go together, into a base.
func (i Item) Apart() bool {
	return len(i.Packages) == 0 && (i.Writer == nil || i.Writer.Kind != Manager)
}

// few is how many changes of one directory are rather named one by one.
const few = 3

// Group puts changes together to what a user would keep as one, the most valued first.
//
// The changes must be sorted. Those in what a preset would keep are one item. So are those in one directory of a program, such as
// /var/lib/app or ~/.config/app, if they are more than a few, and those in one directory of what people made.
// Directories that hold the matters of many, such as /etc or a home, are never an item, unless they are new themselves, and empty or not looked into.
// Credentials are always named one by one. What came with a package is one item, wherever it lies; packages that came along with others
// are one together, if they are more than a few.
func (s *Scale) Group(changes []Change) []Item {
	type place struct {
		at    string
		worth Worth
		of    Writer // a package, or a manager of packages
	}
	packed := s.packed(changes)
	helpers := 0
	for n := range packed.changed {
		if s.origins.Helpers[n] {
			helpers++
		}
	}
	lists := map[place][]Change{}
	var order []place
	put := func(p place, c Change) {
		if lists[p] == nil {
			order = append(order, p)
		}
		lists[p] = append(lists[p], c)
	}
	for _, c := range changes {
		f := s.Weigh(c.Path)
		n, m := packed.of(c, f.Worth), manager(c.Path)
		switch {
		case n != "" && s.origins.Helpers[n] && helpers > few:
			put(place{worth: Software, of: Writer{Kind: Package}}, c)
		case n != "":
			put(place{worth: Software, of: Writer{Package, n}}, c)
		case m != "":
			put(place{worth: State, of: Writer{Manager, m}}, c)
		case f.Preset != "":
			put(place{at: f.Entry, worth: f.Worth}, c)
		case f.Worth == Credentials:
			put(place{at: c.Path, worth: f.Worth}, c)
		default:
			put(place{at: s.program(c.Path), worth: f.Worth}, c)
		}
	}
	var out []Item
	for _, p := range order {
		list := lists[p]
		if p.of.Kind != "" {
			out = append(out, s.packages(p.of, p.worth, list, packed))
			continue
		}
		if f := s.Weigh(p.at); len(list) > 1 && f.Preset != "" && f.Entry == p.at {
			out = append(out, s.item(p.at, p.worth, list))
			continue
		}
		if len(list) <= few {
			for _, c := range list {
				out = append(out, s.item(c.Path, p.worth, []Change{c}))
			}
			continue
		}
		at := p.at
		if p.worth == Data {
			at = common(list)
		}
		out = append(out, s.item(at, p.worth, list))
	}
	slices.SortStableFunc(out, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Worth, b.Worth), cmp.Compare(b.Size, a.Size), Compare(a.Path, b.Path))
	})
	return out
}

// program is the directory that one program has, or one thing that people made: the first one below those that many share.
func (s *Scale) program(p string) string {
	last := p
	for up := p; up != "/"; up = path.Dir(up) {
		if s.shared(up) {
			return last
		}
		last = up
	}
	return last
}

// broad directories hold the matters of many.
var broad = []string{
	"/", "/etc", "/home", "/opt", "/root", "/srv", "/usr/local", "/var", "/var/lib", "/var/cache", "/var/spool", "/var/log",
}

// broadInHomes are the same, below a home.
var broadInHomes = []string{"", "/.config", "/.local", "/.local/share", "/.local/state", "/.cache", "/.var", "/.var/app"}

func (s *Scale) shared(p string) bool {
	if slices.Contains(broad, p) {
		return true
	}
	for _, u := range s.people {
		if rest, ok := strings.CutPrefix(p, strings.TrimSuffix(u.Home, "/")); ok && slices.Contains(broadInHomes, rest) {
			return true
		}
	}
	return false
}

// common is the deepest directory that holds all of the changes.
func common(list []Change) string {
	dir := path.Dir(list[0].Path)
	if len(list) == 1 {
		return list[0].Path
	}
	for _, c := range list[1:] {
		for dir != "/" && c.Path != dir && !strings.HasPrefix(c.Path, dir+"/") {
			dir = path.Dir(dir)
		}
	}
	return dir
}

// packages is an item of packages, or of what their manager notes.
func (s *Scale) packages(of Writer, w Worth, list []Change, packed packed) Item {
	i := s.item(common(list), w, list)
	i.Preset, i.Home, i.Writer = "", "", &of
	if of.Kind == Manager {
		return i
	}
	for _, c := range list {
		i.Packages = append(i.Packages, packed.of(c, s.Weigh(c.Path).Worth))
	}
	slices.Sort(i.Packages)
	i.Packages = slices.Compact(i.Packages)
	if of.Name == "" {
		i.Writer = nil
	}
	return i
}

func (s *Scale) item(at string, w Worth, list []Change) Item {
	f := s.Weigh(at)
	i := Item{Path: at, Worth: w, Preset: f.Preset, Home: f.Home, Writer: s.writer(at, f), Changes: list}
	for _, c := range list {
		n := c.Files
		if n == 0 {
			n = 1 // an empty directory, or the directory itself
		}
		switch c.What {
		case Added:
			i.Added += n
		case Modified:
			i.Modified += n
		case Deleted:
			i.Deleted += n
		}
		if c.What != Deleted {
			i.Size += c.Size
		}
		if c.Modified >= i.Newest {
			i.Newest, i.UID = c.Modified, c.UID
		}
	}
	i.Owner = s.name(i.UID)
	return i
}

// name is that of a user, or the number.
func (s *Scale) name(uid uint32) string {
	if n := s.origins.Users[uid]; n != "" {
		return n
	}
	if uid == 0 {
		return "root"
	}
	return strconv.FormatUint(uint64(uid), 10)
}
