package decl

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// IDsFile is where a store has the numbers of the accounts that its data was given to, from its top.
const IDsFile = StateDir + "/ids.json"

// IDs are the numbers of users and groups by name. Kept data belongs to numbers: they say to whom those were given.
type IDs struct {
	Format int            `json:"format"`
	Users  map[string]int `json:"users"`
	Groups map[string]int `json:"groups"`
	Moving *Moving        `json:"moving,omitempty"` // kept data is on its way to other numbers
}

// IDsFormat is the version of the JSON form of [IDs].
const IDsFormat = 1

// Moving is an unfinished change of the owners of kept data.
type Moving struct {
	Users   map[int]int `json:"users,omitempty"`  // new numbers by old ones
	Groups  map[int]int `json:"groups,omitempty"` // the same
	Via     int         `json:"via,omitempty"`    // each goes first to its place from here on, as old and new numbers overlap; 0 if they do not
	Second  bool        `json:"second,omitempty"` // everything has come as far as that
	Special []Special   `json:"special,omitempty"`
}

// Special is a file that the kernel takes something away from when it gets another owner.
type Special struct {
	Path  string `json:"path"` // on the machine
	Inode uint64 `json:"inode"`
	Mode  uint32 `json:"mode"`           // with its set-id bits
	Caps  []byte `json:"caps,omitempty"` // its security.capability
}

// Moved is an account whose number is another than the one that kept data was given to.
type Moved struct {
	Group bool   // of a group, else of a user
	Name  string // as recorded
	Was   int
	Is    int    // -1 if there is no such account any more
	Now   string // whose number Was is now; empty if it is nobody's
}

// What names the kind of account.
func (m Moved) What() string {
	if m.Group {
		return "group"
	}
	return "user"
}

// Moved compares with the numbers of now. An account that is gone is only told if its number is somebody else's, and one that
// is new is not told.
func (r *IDs) Moved(now *IDs) []Moved {
	if r == nil {
		return nil
	}
	return append(moved(false, r.Users, now.Users), moved(true, r.Groups, now.Groups)...)
}

func moved(group bool, was, now map[string]int) []Moved {
	var out []Moved
	for _, name := range names(was) {
		number := was[name]
		is, there := now[name]
		if there && is == number {
			continue
		}
		m := Moved{Group: group, Name: name, Was: number, Is: -1}
		if there {
			m.Is = is
		}
		same := false
		for _, other := range names(now) {
			if now[other] == number {
				m.Now = cmp.Or(m.Now, other)
				old, known := was[other]
				same = same || known && old == number // another name of one account
			}
		}
		if there || m.Now != "" && !same {
			out = append(out, m)
		}
	}
	return out
}

func names(ids map[string]int) []string {
	out := make([]string, 0, len(ids))
	for name := range ids {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// Numbered reports whether a number is one that machines give to different accounts: 0 is the superuser everywhere,
// and 65534 and 65535 are nobody's.
func Numbered(id int) bool { return id > 0 && id != 65534 && id != 65535 }

// String says what has changed.
func (m Moved) String() string {
	was := strconv.Itoa(m.Was)
	s := "the " + m.What() + " " + m.Name + " was " + was + " when its data was kept, and is "
	if m.Is >= 0 {
		s += strconv.Itoa(m.Is) + " now"
	} else {
		s += "gone"
	}
	if m.Now != "" {
		s += "; " + was + " is " + m.Now + "'s now"
	}
	return s
}

// ParseIDs reads the numbers of passwd(5) and group(5). What is no account there is passed over.
func ParseIDs(passwd, group string) *IDs {
	return &IDs{Format: IDsFormat, Users: numbers(passwd), Groups: numbers(group)}
}

func numbers(text string) map[string]int {
	out := map[string]int{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(line, ":", 4)
		if len(f) < 4 || f[0] == "" || strings.ContainsAny(f[0][:1], "#+-") {
			continue
		}
		id, err := strconv.Atoi(f[2])
		if _, twice := out[f[0]]; err == nil && !twice && Numbered(id) {
			out[f[0]] = id
		}
	}
	return out
}

// Learn adds the accounts of now, and forgets those of which nothing is told. Left are those that the user has yet to decide on.
func (r *IDs) Learn(now *IDs, left []Moved) *IDs {
	out := &IDs{Format: IDsFormat, Users: map[string]int{}, Groups: map[string]int{}}
	if r == nil {
		r = out
	}
	out.Moving = r.Moving
	learn(out.Users, r.Users, now.Users, left, false)
	learn(out.Groups, r.Groups, now.Groups, left, true)
	return out
}

func learn(out, was, now map[string]int, left []Moved, group bool) {
	open := func(name string, id int) bool { // what of it is told
		for _, m := range left {
			if m.Group == group && (m.Name == name || m.Was == id) {
				return true
			}
		}
		return false
	}
	used := map[int]bool{}
	for name, id := range now {
		used[id] = true
		if !open(name, id) || was[name] == id {
			out[name] = id
		}
	}
	for name, id := range was {
		if _, there := now[name]; open(name, -1) || !there && !used[id] {
			out[name] = id
		}
	}
}

// DecodeIDs reads the JSON form, and refuses other formats.
func DecodeIDs(data []byte) (*IDs, error) {
	var ids IDs
	if err := json.Unmarshal(data, &ids); err != nil {
		return nil, err
	}
	if ids.Format != IDsFormat {
		return nil, fmt.Errorf("format %d, this program reads %d", ids.Format, IDsFormat)
	}
	return &ids, nil
}

// Equal reports whether both say the same of all accounts.
func (r *IDs) Equal(o *IDs) bool { return equal(r.Users, o.Users) && equal(r.Groups, o.Groups) }

func equal(a, b map[string]int) bool {
	for name, id := range a {
		if b[name] != id {
			return false
		}
	}
	return len(a) == len(b)
}

// Owns reports whether what has that owner and group belonged to the account.
func (m Moved) Owns(uid, gid int) bool { return m.Was == uid && !m.Group || m.Was == gid && m.Group }

// File is where such accounts are written down.
func (m Moved) File() string {
	if m.Group {
		return "/etc/group"
	}
	return "/etc/passwd"
}
