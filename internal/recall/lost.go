package recall

import (
	"io/fs"
	"path"
	"strings"

	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
	"anicca/internal/sys"
)

// Lost is losses as a review told them before the reset: put together, and the most valued first. What would come where nothing
// lies counts as added there, and what would take the place of something as modified.
type Lost struct {
	review.Review
	losses map[string]Loss
}

// Of returns the losses that an item stands for, by path.
func (l *Lost) Of(i review.Item) []Loss {
	var out []Loss
	for _, c := range i.Changes {
		out = append(out, l.losses[c.Path])
	}
	return out
}

// Sift puts losses in order, and apart what is noise, but for what was asked for by its path. A new directory is looked into: where not all
// in it is of one worth, some of it is noise, or some is there, each of it is told by itself. Origins says who wrote what; it may be nil.
func (m *Machine) Sift(v *View, losses []Loss, asked []string, s *review.Scale, sieve *noise.Sieve, origins func([]review.Change) review.Origins) (*Lost, error) {
	x := sifter{m: m, v: v, scale: s, sieve: sieve, out: &Lost{losses: map[string]Loss{}}}
	for _, p := range asked {
		if _, is := sieve.Find(p); is {
			x.asked = append(x.asked, p)
		}
	}
	for _, l := range losses {
		if err := x.sift(l); err != nil {
			return nil, err
		}
	}
	review.Sort(x.loud)
	if origins != nil {
		s.Tell(origins(x.loud))
	}
	hidden := x.out.Noise
	x.out.Review = review.Make(0, x.loud, nil, s, noise.New(nil, nil))
	x.out.Noise = hidden
	return x.out, nil
}

type sifter struct {
	m     *Machine
	v     *View
	scale *review.Scale
	sieve *noise.Sieve
	asked []string // that are noise
	loud  []review.Change
	out   *Lost
}

func (x *sifter) noise(p string) (decl.Noise, bool) {
	for _, a := range x.asked {
		if p == a || strings.HasPrefix(p, a+"/") {
			return decl.Noise{}, false
		}
	}
	return x.sieve.Find(p)
}

func (x *sifter) sift(l Loss) error {
	if _, told := x.out.losses[l.Path]; told { // one of two paths that were asked for lies in the other
		return nil
	}
	n, noisy := x.noise(l.Path)
	look := !noisy && l.Whole()
	c, mixed, err := x.describe(l, look)
	switch {
	case err != nil:
		return err
	case noisy:
		x.out.losses[l.Path] = l
		x.out.Noise = append(x.out.Noise, review.Hidden{Change: c, Noise: n})
		return nil
	case !mixed:
		x.out.losses[l.Path] = l
		x.loud = append(x.loud, c)
		return nil
	}
	inside, err := x.m.Inside(x.v, l)
	if err != nil {
		return err
	}
	for _, l := range inside {
		if err := x.sift(l); err != nil {
			return err
		}
	}
	return nil
}

// describe says what a loss is, in the words of a review. With look, it says too whether it is a directory that is told by what lies in
// it: not all of that is of its kind, or some is there.
func (x *sifter) describe(l Loss, look bool) (c review.Change, mixed bool, err error) {
	c = review.Change{Path: l.Path, What: review.Added}
	own := x.scale.Weigh(l.Path)
	mixed = look && l.Actions[0].To != l.Path
	for i, a := range l.Actions {
		s, err := x.v.Stat(a.Path)
		if err != nil {
			return c, false, err
		}
		if s == nil {
			continue
		}
		if a.What == Replace {
			c.What = review.Modified
		}
		if i == 0 {
			c.Kind, c.UID, c.GID, c.Modified = kindOf(s), s.Uid, s.Gid, seconds(s)
		}
		err = x.v.each(a.Path, s, func(p string, s *sys.Stat) error {
			if !s.IsDir() {
				if t := seconds(s); c.Files == 0 || t > c.Modified {
					c.Modified, c.UID, c.GID = t, s.Uid, s.Gid
				}
				c.Files++
				c.Size += s.Size
			}
			if !look || mixed {
				return nil
			}
			if f := x.scale.Weigh(p); f.Worth != own.Worth || f.Preset != own.Preset {
				mixed = true
				return nil
			}
			_, mixed = x.noise(p)
			return nil
		})
		if err != nil {
			return c, false, err
		}
	}
	return c, mixed, nil
}

// each calls f for what was found at p, and for all below it.
func (v *View) each(p string, s *sys.Stat, f func(p string, s *sys.Stat) error) error {
	if err := f(p, s); err != nil || !s.IsDir() {
		return err
	}
	names, err := v.list(p)
	if err != nil {
		return passing(err)
	}
	for _, n := range names {
		at := path.Join(p, n)
		below, err := v.Stat(at)
		if err := passing(err); err != nil {
			return err
		}
		if below == nil || v.elsewhere(below, s) {
			continue
		}
		if err := v.each(at, below, f); err != nil {
			return err
		}
	}
	return nil
}

func seconds(s *sys.Stat) int64 {
	sec, _ := s.Mtim.Unix()
	return sec
}

func kindOf(s *sys.Stat) review.Kind {
	switch s.Type() {
	case 0:
		return review.File
	case fs.ModeDir:
		return review.Directory
	case fs.ModeSymlink:
		return review.Link
	}
	return review.Special
}
