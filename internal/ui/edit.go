package ui

import (
	"fmt"
	"io"
	"strings"
)

// Edit writes what a change does to the lines of a file.
func Edit(w io.Writer, name, old, after string) {
	a, b := lines(old), lines(after)
	fmt.Fprintf(w, "%s:\n", name)
	i, j := 0, 0
	for _, m := range append(common(a, b), [2]int{len(a), len(b)}) {
		for ; i < m[0]; i++ {
			fmt.Fprintf(w, "  %4d - %s\n", i+1, a[i])
		}
		for ; j < m[1]; j++ {
			fmt.Fprintf(w, "  %4d + %s\n", j+1, b[j])
		}
		i, j = m[0]+1, m[1]+1
	}
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// common returns the numbers of the lines that both have, in order: a longest common subsequence.
func common(a, b []string) [][2]int {
	var out [][2]int
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		out = append(out, [2]int{from, from})
		from++
	}
	ea, eb := len(a), len(b)
	for ea > from && eb > from && a[ea-1] == b[eb-1] {
		ea, eb = ea-1, eb-1
	}
	long := make([][]int, ea-from+1)
	for i := range long {
		long[i] = make([]int, eb-from+1)
	}
	for i := ea - 1; i >= from; i-- {
		for j := eb - 1; j >= from; j-- {
			if x, y := i-from, j-from; a[i] == b[j] {
				long[x][y] = long[x+1][y+1] + 1
			} else {
				long[x][y] = max(long[x+1][y], long[x][y+1])
			}
		}
	}
	for i, j := from, from; i < ea && j < eb; {
		switch x, y := i-from, j-from; {
		case a[i] == b[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case long[x+1][y] >= long[x][y+1]:
			i++
		default:
			j++
		}
	}
	for ; ea < len(a); ea, eb = ea+1, eb+1 {
		out = append(out, [2]int{ea, eb})
	}
	return out
}
