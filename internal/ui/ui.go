// Package ui renders values for people and for programs.
//
// What the user must answer goes to the terminal; results go to standard output;
// everything else to standard error. Meaning is never carried by colour alone.
package ui

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Table writes rows with their columns aligned.
func Table(w io.Writer, rows [][]string) {
	var width []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	out := bufio.NewWriter(w)
	defer out.Flush()
	for _, r := range rows {
		var b strings.Builder
		for i, c := range r {
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+2))
			}
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

// JSON writes a value as indented JSON.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// ErrNoTerminal says that there is nobody to ask.
var ErrNoTerminal = errors.New("there is no terminal to ask on: add --yes to go on")

// Confirm asks a question that is answered with y or n; anything else counts as no.
func Confirm(question string) (bool, error) {
	answer, err := ask(question + " [y/N]")
	return answer == "y" || answer == "yes", err
}

// Choose asks a question that is answered with the first letter of one of the words, until it is. Nothing more to read counts
// as the last word.
func Choose(question string, words ...string) (string, error) {
	for {
		answer, err := ask(question + " [" + strings.Join(words, ", ") + "]")
		if err != nil {
			return "", err
		}
		for _, w := range words {
			if answer != "" && strings.HasPrefix(w, answer) {
				return w, nil
			}
		}
		if answer == end {
			return words[len(words)-1], nil
		}
	}
}

// end is the answer of somebody who has gone.
const end = "\x04"

// ask returns an answer in small letters. Ctrl-C is the answer of somebody who has gone too: the program itself only notes it, and would go on waiting.
func ask(question string) (string, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		return "", ErrNoTerminal
	}
	leave := make(chan os.Signal, 1)
	if !signal.Ignored(os.Interrupt) {
		signal.Notify(leave, os.Interrupt)
		defer signal.Stop(leave)
	}
	fmt.Fprint(os.Stderr, question, " ")
	said := make(chan string, 1)
	go func() { // nobody asks again after Ctrl-C, so that it takes no other answer
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && line == "" {
			line = end
		}
		said <- line
	}()
	line := end
	select {
	case line = <-said:
	case <-leave:
	}
	if line == end {
		fmt.Fprintln(os.Stderr)
	}
	return strings.ToLower(strings.TrimSpace(line)), nil
}
