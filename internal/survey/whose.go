package survey

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Question is whose some paths are.
type Question struct {
	FS    fs.FS    // root of the machine
	Base  fs.FS    // root as it was before the paths changed; nil if that is not known
	Paths []string // absolute and clean, without links above them
	// RPM asks the database of rpm, which is no text, or that of the base, with arguments of the program of that name.
	// It is nil where there is none.
	RPM func(base bool, args ...string) (string, error)
}

// Whose is the answer: what package databases and systemd say of the paths that were asked for, and of the directories above them.
type Whose struct {
	Packages map[string][]string // by path: the packages that brought it, sorted
	Pristine map[string]int      // by path: how many files of configuration, there or below, are as packages brought them
	Helpers  map[string]bool     // packages that came along with others only
	Units    map[string]string   // by directory: the unit that it is for
	Made     map[string]string   // by directory: the file of tmpfiles.d that says to make it
}

// Ask finds out whose the paths are. It reads the databases of dpkg, pacman and apk, and asks that of rpm.
func Ask(q Question) (*Whose, error) {
	a := asker{
		Question: q, asked: map[string]bool{}, want: map[string]bool{}, alias: map[string][]string{}, sums: map[string]string{},
		w: &Whose{
			Packages: map[string][]string{}, Pristine: map[string]int{}, Helpers: map[string]bool{}, Units: map[string]string{}, Made: map[string]string{},
		},
	}
	for _, p := range q.Paths {
		a.asks(p)
	}
	a.merged()
	for _, f := range []func() error{a.dpkg, a.pacman, a.apk, a.rpm} {
		if err := f(); err != nil {
			return nil, err
		}
	}
	for p := range a.w.Packages {
		slices.Sort(a.w.Packages[p])
		a.w.Packages[p] = slices.Compact(a.w.Packages[p])
	}
	a.pristine()
	return a.w, a.systemd()
}

type asker struct {
	Question
	w       *Whose
	asked   map[string]bool
	want    map[string]bool     // what was asked for, and the directories above
	alias   map[string][]string // by a path that packages bring: links to it that scripts of packages make
	links   [][2]string         // directories that are links, such as /lib, with a slash behind, and what they lead to
	diverts map[string]diversion
	sums    map[string]string // by path: of a file of configuration, as its package brought it
}

// asks notes a path with those above it.
func (a *asker) asks(p string) {
	a.asked[p] = true
	for up := p; up != "/" && !a.want[up]; up = path.Dir(up) {
		a.want[up] = true
	}
	name := path.Base(p)
	switch dir := path.Dir(p); {
	case strings.HasPrefix(dir, "/etc/systemd/") && (path.Ext(dir) == ".wants" || path.Ext(dir) == ".requires"):
		a.known(path.Join("/usr/lib/systemd", path.Base(path.Dir(dir)), name), p)
	case strings.HasPrefix(dir, "/etc/rc") && strings.HasSuffix(dir, ".d") && len(name) > 3: // S01name
		a.known("/etc/init.d/"+name[3:], p)
	}
}

func (a *asker) known(as, p string) { a.alias[as] = append(a.alias[as], p) }

// merged finds the directories at the top that are links, as packages name files by them.
func (a *asker) merged() {
	for _, d := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr/sbin"} {
		if to, err := fs.ReadLink(a.FS, d); err == nil {
			if !path.IsAbs(to) {
				to = path.Join("/", path.Dir(d), to)
			}
			a.links = append(a.links, [2]string{"/" + d + "/", path.Clean(to) + "/"})
		}
	}
}

// real returns where what a package names really lies.
func (a *asker) real(p []byte) []byte {
	for _, l := range a.links {
		if len(p) > len(l[0]) && p[1] == l[0][1] && string(p[:len(l[0])]) == l[0] {
			return append([]byte(l[1]), p[len(l[0]):]...)
		}
	}
	return p
}

// brings notes that a package has a path.
func (a *asker) brings(pkg string, p []byte) {
	p = a.real(p)
	if a.want[string(p)] {
		at := string(p)
		a.w.Packages[at] = append(a.w.Packages[at], pkg)
	}
	if len(a.alias) > 0 {
		for _, at := range a.alias[string(p)] {
			a.w.Packages[at] = append(a.w.Packages[at], pkg)
		}
	}
}

// configures notes what a file of configuration was like that a package brought, if it or a directory above it was asked for.
func (a *asker) configures(p, sum string) {
	if !path.IsAbs(p) {
		return
	}
	at := string(a.real([]byte(p)))
	for up := at; up != "/"; up = path.Dir(up) {
		if a.asked[up] {
			a.sums[at] = sum
			return
		}
	}
}

// pristine counts the files that are as they came.
func (a *asker) pristine() {
	for p, sum := range a.sums {
		if sum == "" || a.sum(p, len(sum)) != strings.ToLower(sum) {
			continue
		}
		for up := p; up != "/"; up = path.Dir(up) {
			if a.asked[up] {
				a.w.Pristine[up]++
			}
		}
	}
}

// sum reads a file and returns its sum of that many hexadecimal digits, "" if there is none.
func (a *asker) sum(p string, digits int) string {
	var h hash.Hash
	switch digits {
	case md5.Size * 2:
		h = md5.New()
	case sha1.Size * 2:
		h = sha1.New()
	case sha256.Size * 2:
		h = sha256.New()
	default:
		return ""
	}
	info, err := fs.Lstat(a.FS, p[1:])
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	f, err := a.FS.Open(p[1:])
	if err != nil {
		return ""
	}
	defer f.Close()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}

// systemd notes the directories that systemd makes for its units.
func (a *asker) systemd() error {
	r := reader{fs: a.FS}
	units, err := r.units()
	if err != nil {
		return err
	}
	for _, u := range units {
		dirs := slices.Concat(u.State, u.Cache, u.Logs)
		for _, c := range u.Configuration {
			dirs = append(dirs, c.Path)
		}
		for _, d := range dirs {
			if a.w.Units[d] == "" {
				a.w.Units[d] = u.Name
			}
		}
	}
	made, err := r.tmpfiles()
	for _, m := range made {
		a.w.Made[m.Path] = path.Base(m.By)
	}
	return err
}
