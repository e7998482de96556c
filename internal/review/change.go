// Package review thinks about what the next reset would drop: the changes since the base, put in order, without those that are
// kept and those that are noise. It reads no disk; package changes does.
package review

import (
	"encoding/json"
	"slices"
	"strings"
)

// What happened to a path since the base.
type What string

// The kinds of changes.
const (
	Added    What = "added"
	Modified What = "modified"
	Deleted  What = "deleted"
)

// Differs is a set of what differs between the base and the root, where both have something at a path. Times alone are no
// difference, nor is a label, which the policy gives.
type Differs uint8

// What can differ.
const (
	Type    Differs = 1 << iota // a directory where there was a file, and so on; nothing else is compared then
	Content                     // what is in a file, where a link leads to, or which device it is
	Mode
	Owner // or group
	ACL
	Xattr // another extended attribute
)

var words = []string{"type", "content", "mode", "owner", "acl", "xattr"}

// Words names all that differs.
func (d Differs) Words() []string {
	var out []string
	for i, w := range words {
		if d&(1<<i) != 0 {
			out = append(out, w)
		}
	}
	return out
}

// String names all that differs, with commas.
func (d Differs) String() string { return strings.Join(d.Words(), ", ") }

// MarshalJSON writes a list of words.
func (d Differs) MarshalJSON() ([]byte, error) { return json.Marshal(d.Words()) }

// Kind is what lies at a path.
type Kind string

// The kinds of objects.
const (
	File      Kind = "file"
	Directory Kind = "directory"
	Link      Kind = "link"
	Special   Kind = "special" // device, fifo or socket
)

// Change is one path that a reset would change back. One that was added or deleted stands for all below it, without what was
// passed over there. What is said of the object is of the one that is there now, or that was there if it was deleted.
type Change struct {
	Path     string  `json:"path"`
	What     What    `json:"what"`
	Differs  Differs `json:"differs,omitempty"` // only of modified ones
	Kind     Kind    `json:"kind"`
	Files    int     `json:"files"`    // everything but directories
	Size     int64   `json:"size"`     // of these, in bytes
	Modified int64   `json:"modified"` // when the newest of them was changed last, in seconds since 1970; of a directory without any, it itself
	UID      uint32  `json:"uid"`
	GID      uint32  `json:"gid"`

	Stamp int64 `json:"-"` // another number after every change: made of when files were last changed in any way, and of the mode of a directory
}

// Sort puts changes in the order of their paths: what lies in a directory comes right behind it.
func Sort(all []Change) {
	slices.SortFunc(all, func(a, b Change) int { return Compare(a.Path, b.Path) })
}

// Compare is the order of paths, which is that of their components one by one.
func Compare(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		switch {
		case x == y:
			continue
		case x == '/':
			return -1
		case y == '/':
			return 1
		case x < y:
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}
