package install

import (
	"fmt"
	"strings"
)

// assignment is one NAME=value, NAME+=value, NAME=(value …) or NAME+=(value …) of a file that a shell reads.
type assignment struct {
	name   string
	add    bool // with +=
	array  bool
	words  []string
	plain  bool // the shell would change nothing in the words
	line   int
	inFile string
}

// assignments reads a file that holds nothing but assignments, such as mkinitcpio.conf(5). Of any other statement it says so in
// an error: what that does to the variables cannot be told without being the shell.
func assignments(name, text string) ([]assignment, error) {
	r := reader{text: text, line: 1}
	var out []assignment
	for r.space(true); !r.end(); r.space(true) {
		a := assignment{line: r.line, inFile: name, plain: true}
		err := r.assignment(&a)
		if err == nil && !r.space(false) && !r.end() {
			err = fmt.Errorf("more than an assignment")
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, r.line, err)
		}
		out = append(out, a)
	}
	return out, nil
}

// reader reads shell text.
type reader struct {
	text string
	at   int
	line int
}

func (r *reader) end() bool { return r.at >= len(r.text) }

func (r *reader) peek() byte {
	if r.end() {
		return 0
	}
	return r.text[r.at]
}

func (r *reader) next() byte {
	c := r.peek()
	if c == '\n' {
		r.line++
	}
	r.at++
	return c
}

// space passes over blanks and comments, and over the ends of lines too if lines is set. It reports whether it met one.
func (r *reader) space(lines bool) (ended bool) {
	for !r.end() {
		switch c := r.peek(); {
		case c == '\n' || c == ';':
			if !lines {
				return true
			}
			r.next()
		case c == ' ' || c == '\t' || c == '\r':
			r.next()
		case c == '#':
			for !r.end() && r.peek() != '\n' {
				r.next()
			}
		default:
			return false
		}
	}
	return false
}

func (r *reader) assignment(a *assignment) error {
	begin := r.at
	for letter(r.peek()) || r.at > begin && digit(r.peek()) {
		r.next()
	}
	a.name = r.text[begin:r.at]
	if r.peek() == '+' {
		a.add = true
		r.next()
	}
	if a.name == "" || r.peek() != '=' {
		return fmt.Errorf("no plain assignment")
	}
	r.next()
	if r.peek() != '(' {
		return r.word(a, " \t\r\n;")
	}
	r.next()
	a.array = true
	for r.space(true); r.peek() != ')'; r.space(true) {
		if r.end() {
			return fmt.Errorf("( without )")
		}
		if err := r.word(a, " \t\r\n)"); err != nil {
			return err
		}
	}
	r.next()
	return nil
}

// word reads one word, up to an end that is not quoted.
func (r *reader) word(a *assignment, ends string) error {
	var b strings.Builder
	quote := byte(0)
	for !r.end() {
		c := r.peek()
		if quote == 0 && strings.IndexByte(ends, c) >= 0 {
			break
		}
		r.next()
		switch {
		case c == '`', c == '$' && r.peek() == '(', quote == 0 && strings.IndexByte("(<>&|", c) >= 0:
			if quote != '\'' {
				return fmt.Errorf("a command or an operator in a value")
			}
			b.WriteByte(c)
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			a.plain = false
			b.WriteByte(r.next())
		default:
			if c == '$' && quote != '\'' || quote == 0 && strings.IndexByte("*?[{~!", c) >= 0 {
				a.plain = false
			}
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return fmt.Errorf("a quote that does not end")
	}
	a.words = append(a.words, b.String())
	return nil
}

func letter(c byte) bool { return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }

// value is what the assignments make of a variable, as a list of words. It fails where that cannot be told for certain.
func value(all []assignment, name string) ([]string, error) {
	var out []string
	array := true
	for _, a := range all {
		if a.name != name {
			continue
		}
		words := a.words
		if !a.array { // mkinitcpio takes a string for a list, too
			words = strings.Fields(strings.Join(words, ""))
		}
		switch {
		case !a.plain:
			return nil, fmt.Errorf("%s:%d: %s is made of more than plain words", a.inFile, a.line, name)
		case a.add && (!a.array || !array):
			return nil, fmt.Errorf("%s:%d: %s is a list and a string at once", a.inFile, a.line, name)
		case a.add:
			out = append(out, words...)
		default:
			out, array = words, a.array
		}
	}
	return out, nil
}
