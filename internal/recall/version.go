package recall

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"anicca/internal/sys"
)

// Version is what lies at a path in one place.
type Version struct {
	Type    string    `json:"type"` // file, directory, link, fifo, socket or device
	Size    int64     `json:"size"` // in bytes; of a directory, all files in it
	Files   int       `json:"files,omitempty"`
	Mode    string    `json:"mode"` // octal
	UID     uint32    `json:"uid"`
	GID     uint32    `json:"gid"`
	Changed time.Time `json:"changed"`          // when its content was
	Target  string    `json:"target,omitempty"` // of a link
	Device  string    `json:"device,omitempty"` // its numbers, major:minor
	Hash    string    `json:"hash,omitempty"`   // SHA-256; of a directory, over names, sizes, times and owners of all in it
}

// Short is the beginning of a hash, which is enough for people.
func (v *Version) Short() string { return v.Hash[:min(len(v.Hash), 12)] }

// words of types.
func kind(s *sys.Stat) string {
	switch s.Type() {
	case 0:
		return "file"
	case fs.ModeDir:
		return "directory"
	case fs.ModeSymlink:
		return "link"
	case fs.ModeNamedPipe:
		return "fifo"
	case fs.ModeSocket:
		return "socket"
	}
	return "device"
}

// version describes what lies at p without reading its content; it is nil if nothing does.
func (v *View) version(p string) (*Version, error) {
	s, err := v.Stat(p)
	if err != nil || s == nil {
		return nil, err
	}
	return v.describe(p, s)
}

// describe is [View.version] for what was found at p.
func (v *View) describe(p string, s *sys.Stat) (x *Version, err error) {
	x = &Version{
		Type: kind(s), Mode: fmt.Sprintf("%04o", s.Perm()), UID: s.Uid, GID: s.Gid,
		Changed: time.Unix(s.Mtim.Unix()),
	}
	switch x.Type {
	case "file":
		x.Size = s.Size
	case "link":
		x.Target, err = v.readlink(p)
	case "device":
		x.Device = s.Device()
	}
	return x, err
}

// hash returns the SHA-256 of the regular file p.
func (v *View) hash(p string) (string, error) {
	f, err := v.reader(p)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// whole describes what lies at p with its hash. What was found before saves reading a file again that has not changed since.
func (v *View) whole(p string, before *Version) (*Version, error) {
	x, err := v.version(p)
	if err != nil || x == nil {
		return x, err
	}
	switch x.Type {
	case "file":
		if before != nil && before.Type == x.Type && before.Size == x.Size && before.Changed.Equal(x.Changed) {
			x.Hash = before.Hash
			return x, nil
		}
		x.Hash, err = v.hash(p)
	case "directory":
		h := sha256.New()
		var s *sys.Stat
		if s, err = v.Stat(p); err == nil && s != nil {
			err = v.sum(p, "", s, x, h)
		}
		x.Hash = hex.EncodeToString(h.Sum(nil))
	}
	return x, err
}

// sum writes down what there is in the directory p, and counts it.
func (v *View) sum(p, at string, dir *sys.Stat, x *Version, w io.Writer) error {
	names, err := v.list(p)
	if err != nil {
		return passing(err)
	}
	for _, n := range names {
		below, rel := path.Join(p, n), path.Join(at, n)
		s, err := v.Stat(below)
		if err := passing(err); err != nil {
			return err
		}
		if s == nil || v.elsewhere(s, dir) || s.Type() == fs.ModeSocket {
			continue
		}
		y, err := v.describe(below, s)
		if err := passing(err); err != nil {
			return err
		}
		when := y.Changed.UnixNano()
		if s.IsDir() {
			when = 0 // looking can move it
		}
		fmt.Fprintf(w, "%q %s %d %s %d:%d %d %q %s\n", rel, y.Type, y.Size, y.Mode, y.UID, y.GID, when, y.Target, y.Device)
		if s.IsDir() {
			if err := v.sum(below, rel, s, x, w); err != nil {
				return err
			}
			continue
		}
		x.Files++
		x.Size += y.Size
	}
	return nil
}

// elsewhere reports whether an object is on another mount than its directory. That can only be in the running root.
func (v *View) elsewhere(s, dir *sys.Stat) bool { return v.shared && s.MountID != dir.MountID }

// passing takes away an error about what was removed while we looked, or that not even root may look at, such as what a
// user has mounted.
func passing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
