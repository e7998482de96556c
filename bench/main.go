// Command bench measures what anicca costs, against what the kernel needs at the least and what others take, and prints the ratios.
//
//	go run ./bench [resets] [-files 1000000] [-runs 15]
//	go run ./bench apply [-entries 1000] [-runs 7] [-floor PROGRAM]
//	go run ./bench review [-files 1000000] [-runs 5] [-dir DIR] [-only btrfs|overlay|walk]
//
// It needs root; resets need mkfs.btrfs, mkfs.ext4 and some GB below $TMPDIR, apply needs systemd-tmpfiles, findmnt and bash.
// Nothing of the machine is touched: what is measured happens on images, or in memory, in a mount namespace of its own.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	what, args := "resets", os.Args[1:]
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' {
		what, args = args[0], args[1:]
	}
	if err := run(what, args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(what string, args []string) error {
	flags := flag.NewFlagSet(what, flag.ExitOnError)
	switch what {
	case "resets":
		files := flags.Int("files", 1_000_000, "files in the large root")
		runs := flags.Int("runs", 15, "runs of each, in turn")
		_ = flags.Parse(args)
		return resetsAndDrops(*files, *runs)
	case "apply":
		var o applyOptions
		flags.IntVar(&o.entries, "entries", 1000, "entries, 70 % of them directories")
		flags.IntVar(&o.runs, "runs", 7, "runs of each, in turn; the slowest run less often")
		flags.StringVar(&o.floor, "floor", "", "another program to compare with, called as PROGRAM -list FILE -persist DIR -root DIR -how fd -q")
		_ = flags.Parse(args)
		return o.bench()
	case "review":
		var o reviewOptions
		flags.IntVar(&o.files, "files", 1_000_000, "files in the root")
		flags.IntVar(&o.runs, "runs", 5, "runs of each, in turn; the slowest run less often")
		flags.StringVar(&o.dir, "dir", "", "directory that keeps the disks for another time")
		flags.StringVar(&o.only, "only", "", "one of btrfs, overlay and walk")
		_ = flags.Parse(args)
		return o.bench()
	case "changes": // by itself: find changes in one way
		return changesOnly(args)
	case "drop": // by itself: drop the only old root on this filesystem
		return dropOnly(args[0])
	case "stage": // by itself: one run, in a namespace of its own
		return onStage(args)
	case "place": // by itself: the least that putting entries in place takes
		return placeOnly(args)
	case "boot": // by itself: entries are put in place as at boot
		return bootOnly(args[0])
	}
	return fmt.Errorf("there is nothing called %q to measure: resets, apply or review", what)
}
