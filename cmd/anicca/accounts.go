package main

import (
	"os"

	"anicca/internal/facts"
	"anicca/internal/sys"
)

// accounts reads the users of the machine. Their homes are read without following links: users may put one anywhere, at any
// time. The root stays open for that as long as the program runs.
func (g globals) accounts() (*facts.Accounts, error) {
	a, err := facts.ReadAccounts(os.DirFS(g.root))
	if err != nil {
		return nil, err
	}
	tree, err := sys.OpenTree(g.root)
	if err != nil {
		return nil, err
	}
	a.Homes = tree.FS()
	return a, nil
}
