package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"anicca/internal/config"
	"anicca/internal/decl"
	"anicca/internal/noise"
	"anicca/internal/review"
	"anicca/internal/sys"
	"anicca/internal/trial"
	"anicca/internal/ui"
)

// tries are the options of a command that is tried.
type tries struct {
	trees, real     []string
	scratch, output string
	fakeRoot, all   bool
	asJSON          bool
	part, spec      string // of the processes that we start ourselves
}

func (o *tries) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVar(&o.trees, "tree", nil, "with a command, as an ordinary user: let it write in this directory too")
	f.StringArrayVar(&o.real, "real", nil, "with a command: show it what really lies at this path, such as a socket")
	f.StringVar(&o.scratch, "scratch", "", "with a command: keep what it writes in this directory meanwhile, not in memory")
	f.BoolVar(&o.fakeRoot, "fake-root", false, "with a command, as an ordinary user: let it believe to be root")
	f.StringVarP(&o.output, "output", "o", "", "with a command: write the report to this file, not to standard error")
	f.BoolVarP(&o.all, "all", "a", false, "with a command: a line for every change")
	f.StringVar(&o.part, "part", "", "which part of a trial this process has")
	f.StringVar(&o.spec, "spec", "", "what is tried")
	_ = f.MarkHidden("part")
	_ = f.MarkHidden("spec")
}

// alone refuses the options that say something of a command, where there is none.
func (o *tries) alone(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		if strings.HasPrefix(f.Usage, "with a command") {
			err = exitError{exitUsage, "--" + f.Name + " is for a command, which stands behind --\n" + c.UseLine()}
		}
	})
	return err
}

// try runs a command in a copy of the root.
func (g *globals) try(o *tries, command []string) error {
	s := trial.Spec{Command: command, Scratch: o.scratch, FakeRoot: o.fakeRoot && os.Getuid() != 0}
	if err := o.fill(&s); err != nil {
		return exitError{trial.OwnFault, err.Error()}
	}
	out := ui.NewOutput(os.Stderr)
	if o.output != "" {
		f, err := os.Create(o.output)
		if err != nil {
			return exitError{trial.OwnFault, err.Error()}
		}
		defer f.Close()
		out = ui.NewOutput(f)
	}
	weigh := make(chan weights, 1)
	go func() { weigh <- g.weights(s.Dir) }() // while the command runs
	r, err := trial.Run(s)
	if errors.Is(err, sys.ErrNoNamespace) {
		err = fmt.Errorf("%w.\n%s, or run it with sudo", err, allowNamespaces)
	}
	if err != nil {
		return exitError{trial.OwnFault, err.Error()}
	}
	if r.Left != "" {
		fmt.Fprintln(os.Stderr, "anicca: what was written could not all be removed:", r.Left)
	}
	own(r.Changes, s)
	w := <-weigh
	t := ui.Tried{Command: command, Code: r.Code, Trees: r.Trees, Full: r.Full, Review: review.Make(0, r.Changes, nil, w.scale, w.sieve)}
	if o.asJSON {
		err = ui.JSON(out, t)
	} else if r.Code < trial.OwnFault || r.Code > trial.NotFound || len(r.Changes) > 0 {
		t.Write(out, o.all)
	}
	if o.output != "" && err == nil {
		err = out.Err()
	}
	if r.Full {
		room := fmt.Sprintf("%d files", r.Names)
		if r.Size > 0 {
			room = ui.Bytes(int64(r.Size))
		}
		fmt.Fprintf(os.Stderr, "anicca: the copy has no room left (%s), and the command may have failed for that: "+
			"name a directory on a disk with --scratch\n", room)
	}
	if err != nil {
		return exitError{trial.OwnFault, err.Error()}
	}
	if r.Code != 0 {
		return exitError{code: r.Code}
	}
	return nil
}

// fill says where the command runs, and where it may write.
func (o *tries) fill(s *trial.Spec) (err error) {
	if s.Dir, err = os.Getwd(); err != nil {
		return err
	}
	if s.Dir, err = filepath.EvalSymlinks(s.Dir); err != nil {
		return err
	}
	home, _ := os.UserHomeDir()
	trees := []string{home, "/tmp", "/var/tmp", os.Getenv("XDG_RUNTIME_DIR"), "/run/user/" + strconv.Itoa(os.Getuid()), ours(s.Dir)}
	if s.FakeRoot {
		trees = append(trees, "/etc", "/opt", "/srv", "/usr/local", "/var")
	}
	for _, p := range trees {
		if p, err := filepath.EvalSymlinks(p); err == nil && filepath.IsAbs(p) {
			s.Trees = append(s.Trees, p)
		}
	}
	for _, list := range []struct {
		flag     string
		from, to *[]string
	}{{"tree", &o.trees, &s.Trees}, {"real", &o.real, &s.Real}} {
		for _, p := range *list.from {
			at, err := filepath.Abs(p)
			if err == nil {
				at, err = filepath.EvalSymlinks(at)
			}
			if err != nil {
				return fmt.Errorf("--%s %s: %w", list.flag, p, err)
			}
			*list.to = append(*list.to, at)
		}
	}
	return nil
}

// ours is the highest directory above p that can be written in; "" if p cannot.
func ours(p string) string {
	root, err := sys.OpenTree("/")
	if err != nil {
		return ""
	}
	defer root.Close()
	found := ""
	for ; p != "/" && root.Writable(p); p = path.Dir(p) {
		found = p
	}
	return found
}

// own gives changes the owners that the objects have outside of a namespace, where they are known there.
func own(changes []review.Change, s trial.Spec) {
	if os.Getuid() == 0 && !sys.InUserNamespace() {
		return
	}
	root, err := sys.OpenTree("/")
	if err != nil {
		return
	}
	defer root.Close()
	for i := range changes {
		c := &changes[i]
		if was, err := root.Stat(c.Path); c.What == review.Deleted && err == nil {
			c.UID, c.GID = was.Uid, was.Gid
		} else if c.What != review.Deleted {
			c.UID, c.GID = uint32(os.Getuid()), uint32(os.Getgid())
		}
	}
}

// weights are what a review needs to know of a machine.
type weights struct {
	scale *review.Scale
	sieve *noise.Sieve
}

// weights reads the declaration, if there is one that can be read. What would hide all of the directory that the command is for,
// such as /tmp, is no noise.
func (g *globals) weights(dir string) weights {
	var people []decl.Account
	var homes []string
	if accounts, err := g.accounts(); err == nil {
		for _, u := range accounts.Users() {
			if u.Person() {
				people, homes = append(people, u), append(homes, u.Home)
			}
		}
	}
	quiet := config.Noise()
	if host, err := g.load(); err == nil {
		quiet = append(slices.Clone(host.Ignore), quiet...)
	}
	quiet = slices.DeleteFunc(quiet, func(n decl.Noise) bool {
		_, hides := noise.New([]decl.Noise{n}, homes).Find(dir)
		return hides
	})
	return weights{review.NewScale(config.Presets(), people), noise.New(quiet, homes)}
}

// usageOfTry tells the words of "anicca try -- COMMAND" from wrong ones.
func usageOfTry(c *cobra.Command, args []string) error {
	if len(args) > 0 && c.ArgsLenAtDash() != 0 {
		return errors.New("write -- before the command that is to be tried: anicca try -- " + cmp.Or(args[0], "COMMAND"))
	}
	return nil
}
