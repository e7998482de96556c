package decl

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Mode is the permission bits of a file, with set-id and sticky bits, as chmod(2) takes them.
type Mode uint32

// String returns the mode as four octal digits.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// MarshalJSON writes the mode as a string of octal digits.
func (m Mode) MarshalJSON() ([]byte, error) { return json.Marshal(m.String()) }

// UnmarshalJSON reads what MarshalJSON writes, or any other form that ParseMode takes.
func (m *Mode) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := ParseMode(s)
	*m = v
	return err
}

// ParseMode reads a mode as chmod(1) takes it:
// octal such as "0750" or symbolic such as "u=rwx,g=rx,o=".
// A symbolic mode starts from no permission at all.
func ParseMode(s string) (Mode, error) {
	if s == "" {
		return 0, fmt.Errorf("empty mode")
	}
	if s[0] >= '0' && s[0] <= '9' {
		n, err := strconv.ParseUint(s, 8, 32)
		if err != nil || n > 0o7777 || len(s) < 3 {
			return 0, fmt.Errorf("mode %q is not octal between 000 and 7777", s)
		}
		return Mode(n), nil
	}
	var m Mode
	for clause := range strings.SplitSeq(s, ",") {
		if err := m.change(clause); err != nil {
			return 0, fmt.Errorf("mode %q: %w", s, err)
		}
	}
	return m, nil
}

// change applies one clause such as "g+rx" to the mode.
func (m *Mode) change(clause string) error {
	i := strings.IndexAny(clause, "=+-")
	if i < 0 {
		return fmt.Errorf("clause %q has none of = + -", clause)
	}
	who := clause[:i]
	if who == "" {
		who = "a"
	}
	var rwx, setid, sticky Mode
	for _, c := range clause[i+1:] {
		switch c {
		case 'r':
			rwx |= 4
		case 'w':
			rwx |= 2
		case 'x':
			rwx |= 1
		case 's':
			setid = 1
		case 't':
			sticky = 0o1000
		default:
			return fmt.Errorf("clause %q: unknown permission %q", clause, c)
		}
	}
	var bits, mask Mode
	for _, c := range who {
		switch c {
		case 'u':
			bits, mask = bits|rwx<<6|setid*0o4000, mask|0o4700
		case 'g':
			bits, mask = bits|rwx<<3|setid*0o2000, mask|0o2070
		case 'o':
			bits, mask = bits|rwx|sticky, mask|0o1007
		case 'a':
			bits, mask = bits|rwx*0o111|setid*0o6000|sticky, mask|0o7777
		default:
			return fmt.Errorf("clause %q: unknown class %q", clause, c)
		}
	}
	switch clause[i] {
	case '=':
		*m = *m&^mask | bits
	case '+':
		*m |= bits
	case '-':
		*m &^= bits
	}
	return nil
}
