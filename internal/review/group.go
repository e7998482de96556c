package review

import (
	"cmp"
	"path"
	"slices"
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
	Size     int64    `json:"size"`    // of what was added or modified, in bytes
	Newest   int64    `json:"newest"`  // when the newest of it was changed last, in seconds since 1970
	UID      uint32   `json:"uid"`     // owner of the newest
	Changes  []Change `json:"changes"` // sorted by path
}

// few is how many changes of one directory are rather named one by one.
const few = 3

// Group puts changes together to what a user would keep as one, the most valued first.
//
// The changes must be sorted. Those in what a preset would keep are one item. So are those in one directory of a program, such as
// /var/lib/app or ~/.config/app, if they are more than a few, and those in one directory of what people made.
// Directories that hold the matters of many, such as /etc or a home, are never an item, unless they are new themselves, and empty or not looked into.
// Credentials are always named one by one.
func (s *Scale) Group(changes []Change) []Item {
	type place struct {
		at    string
		worth Worth
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
		switch {
		case f.Preset != "":
			put(place{f.Entry, f.Worth}, c)
		case f.Worth == Credentials:
			put(place{c.Path, f.Worth}, c)
		default:
			put(place{s.program(c.Path), f.Worth}, c)
		}
	}
	var out []Item
	for _, p := range order {
		list := lists[p]
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

func (s *Scale) item(at string, w Worth, list []Change) Item {
	f := s.Weigh(at)
	i := Item{Path: at, Worth: w, Preset: f.Preset, Home: f.Home, Changes: list}
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
	return i
}
