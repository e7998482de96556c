package config

import (
	"bytes"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
)

// add writes a new field into the list that the path names, or where that can best be begun.
func (e *editor) add(path []string, key, value string) error {
	all := e.spots(path)
	if len(all) == 0 {
		return e.byHand(path, key, value)
	}
	s := all[0]
	for _, o := range all[1:] { // of the short form, the last of its kind
		if s.after != nil && o.file == s.file && o.depth == s.depth && o.after != nil && o.block == s.block {
			s = o
		}
	}
	t := &e.texts[s.file]
	t.data = s.insert(t.data, path[s.depth:], key, value)
	return nil
}

// insert returns the text of the file with a new field. Rest are the names that are not written there yet.
func (s spot) insert(data []byte, rest []string, key, value string) []byte {
	last := s.after
	for i := len(s.list) - 1; i >= 0 && last == nil; i-- {
		if _, open := s.list[i].(*ast.Ellipsis); !open { // ... stays the last
			last = s.list[i]
		}
	}
	short := s.labels + chain(append(rest[:len(rest):len(rest)], key)) + ": " + value
	if last == nil && s.block != nil {
		return s.first(data, rest, key, value)
	}
	if last == nil || s.block == nil && s.after == nil {
		end := bytes.TrimRight(data, "\n")
		text := "\n\n" + s.labels + long("", "\t", rest, key, value) + "\n"
		return splice(data, len(end), len(data), strings.TrimLeft(text, cutIf(len(end) == 0)))
	}
	end := endOf(last)
	eol, alone := lineEnd(data, end)
	if !alone {
		return splice(data, end, end, ", "+short)
	}
	indent := indentAt(data, last.Pos().Offset())
	text := indent + s.labels + long(indent, s.unit(data, indent), rest, key, value)
	if len(rest) == 0 && s.labels == "" {
		text = indent + aligned(data, last, chain([]string{key})+":") + value
	}
	if bytes.HasPrefix(bytes.TrimLeft(data[end:], " \t"), []byte(",")) { // as the one above it
		text += ","
	}
	return splice(data, eol, eol, "\n"+text)
}

// first writes the first field into an empty block.
func (s spot) first(data []byte, rest []string, key, value string) []byte {
	end := s.block.Rbrace.Offset()
	start := bytes.LastIndexByte(data[:end], '\n') + 1
	outer := string(data[start:end])
	if strings.TrimLeft(outer, " \t") != "" { // {}
		return splice(data, end, end, chain(append(rest[:len(rest):len(rest)], key))+": "+value)
	}
	indent := outer + "\t"
	return splice(data, start, start, indent+long(indent, "\t", rest, key, value)+"\n")
}

// unit is how much a block is indented more than what is around it.
func (s spot) unit(data []byte, indent string) string {
	if s.block != nil && s.block.Lbrace.IsValid() {
		if more, ok := strings.CutPrefix(indent, indentAt(data, s.block.Lbrace.Offset())); ok && more != "" {
			return more
		}
	}
	return "\t"
}

// long writes an entry, with the list that it begins, if any, as a block of its own.
func long(indent, unit string, rest []string, key, value string) string {
	if len(rest) == 0 {
		return chain([]string{key}) + ": " + value
	}
	return chain(rest) + ": {\n" + indent + unit + chain([]string{key}) + ": " + value + "\n" + indent + "}"
}

// keywords mean something else than a name at the beginning of a field.
var keywords = []string{"package", "import", "for", "in", "if", "let", "else", "try", "fallback", "true", "false", "null"}

// chain writes names in the short form, a: b: c.
func chain(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		if out[i] = n; !isWord(n) || strings.HasPrefix(n, "_") || slices.Contains(keywords, n) {
			out[i] = literal.String.Quote(n)
		}
	}
	return strings.Join(out, ": ")
}

// aligned pads a label as the one above it is padded, if that is.
func aligned(data []byte, above ast.Decl, label string) string {
	f, ok := above.(*ast.Field)
	if !ok {
		return label + " "
	}
	from, to := f.Pos().Offset(), f.Value.Pos().Offset()
	head := string(data[from:to])
	if strings.ContainsAny(head, "\n\t") || !strings.HasSuffix(head, "  ") || len(label) >= len(head) {
		return label + " "
	}
	return label + strings.Repeat(" ", len(head)-len(label))
}

// endOf is where a declaration ends.
func endOf(d ast.Decl) int {
	end := d.End().Offset()
	if f, ok := d.(*ast.Field); ok && len(f.Attrs) > 0 {
		end = max(end, f.Attrs[len(f.Attrs)-1].End().Offset())
	}
	return end
}

// lineEnd returns the end of the line that a declaration ends on, and whether nothing but a comma and a comment follows there.
func lineEnd(data []byte, end int) (eol int, alone bool) {
	eol = len(data)
	if i := bytes.IndexByte(data[end:], '\n'); i >= 0 {
		eol = end + i
	}
	tail := strings.TrimSpace(string(data[end:eol]))
	tail = strings.TrimSpace(strings.TrimPrefix(tail, ","))
	return eol, tail == "" || strings.HasPrefix(tail, "//")
}

// indentAt is the white space that the line of an offset begins with.
func indentAt(data []byte, at int) string {
	line := string(data[bytes.LastIndexByte(data[:at], '\n')+1:])
	return line[:len(line)-len(strings.TrimLeft(line, " \t"))]
}

func splice(data []byte, from, to int, text string) []byte {
	return append(append(append([]byte{}, data[:from]...), text...), data[to:]...)
}

func cutIf(empty bool) string {
	if empty {
		return "\n"
	}
	return ""
}
