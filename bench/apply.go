package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

type applyOptions struct {
	entries, runs int
	floor         string
}

// seldom is how often those run that take seconds.
const seldom = 2

// costs are CPU times in ms, by what took them.
type costs map[string]*times

func (c costs) of(what string) float64 { return c[what].median() }

// bench measures whole processes that put entries in place, and prints the ratios.
func (o applyOptions) bench() error {
	dir, err := os.MkdirTemp("", "anicca-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	anicca := filepath.Join(dir, "anicca")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", anicca, "./cmd/anicca")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	n := o.entries
	fmt.Printf("%d runs of each, in turn; CPU of the whole process (user + system) in ms, medians [least]\n", o.runs)
	fmt.Printf("entries: 70 %% directories, 30 %% files, in a tmpfs, in a mount namespace of its own\n\n")
	at := map[int]costs{}
	for _, n := range []int{max(10, n/10), n, 5 * n} {
		at[n] = costs{}
	}
	for run := range o.runs {
		for n, to := range at {
			ways := []string{"apply bind", "apply carry"}
			if n == o.entries && run < seldom {
				ways = append(ways, "preservation", "impermanence")
			}
			if n == o.entries {
				ways = append(ways, "boot")
			}
			if o.floor != "" {
				ways = append(ways, "other")
			}
			for _, way := range ways {
				if err := o.stage(to, stageOrder{Way: way, Entries: n, Dir: dir, Anicca: anicca, Floor: o.floor}); err != nil {
					return fmt.Errorf("%s, %d entries: %w", way, n, err)
				}
			}
		}
	}
	report(n, at, o.floor != "")
	return nil
}

// stage starts one run in a mount namespace of its own, and adds what it took.
func (o applyOptions) stage(to costs, order stageOrder) error {
	data, err := json.Marshal(order)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "stage", string(data))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	took := map[string]float64{}
	if err := json.Unmarshal(out, &took); err != nil {
		return errors.Join(err, fmt.Errorf("%s", out))
	}
	for what, t := range took {
		if to[what] == nil {
			to[what] = &times{}
		}
		*to[what] = append(*to[what], t)
	}
	return nil
}

// report prints what was measured. What has a wanted value is a ratio.
func report(n int, at map[int]costs, other bool) {
	c := at[n]
	row := func(name, what string) { fmt.Printf("%-58s %s\n", name, c[what]) }
	ratio := func(name string, got float64, wanted string) { fmt.Printf("   %-55s %7.2f   %s\n", name, got, wanted) }
	fmt.Printf("%d entries\n", n)
	row("evaluating the declaration (anicca check)", "check")
	for _, files := range []string{"bind", "carry"} {
		row("the least, files by "+files, "floor "+files)
		row("anicca apply, files by "+files, "apply "+files)
		row("   again, all in place", "again "+files)
		work := c.of("apply "+files) - c.of("check")
		ratio("apply : 2 x the least + evaluating", c.of("apply "+files)/(2*c.of("floor "+files)+c.of("check")), "(wanted: at most 1)")
		ratio("apply without evaluating : the least", work/c.of("floor "+files), "(wanted: at most 2)")
		if other {
			ratio("apply without evaluating : the other program", work/c.of("other"), "(wanted: at most 2)")
		}
		ratio("preservation's way : apply without evaluating", c.of("preservation")/work, "(wanted: at least 25)")
		ratio("impermanence's way : apply without evaluating", c.of("impermanence")/work, "(wanted: at least 150)")
		ratio("preservation's way : apply", c.of("preservation")/c.of("apply "+files), "")
		ratio("impermanence's way : apply", c.of("impermanence")/c.of("apply "+files), "")
	}
	if other {
		row("the other program", "other")
	}
	row("preservation's way: systemd-tmpfiles, a mount each", "preservation")
	row("impermanence's way: bash scripts", "impermanence")
	row("at boot: carried over from the last root, and placed", "boot")
	ratio("at boot : the least", c.of("boot")/c.of("floor carry"), "")
	ratio("preservation's way : at boot", c.of("preservation")/c.of("boot"), "(wanted: at least 25)")
	ratio("impermanence's way : at boot", c.of("impermanence")/c.of("boot"), "(wanted: at least 150)")
	fmt.Printf("\ncost of one entry, in microseconds, and how it grows\n")
	sizes := slices.Sorted(maps.Keys(at))
	for _, what := range []string{"check", "apply bind", "again bind", "apply carry", "again carry", "floor bind", "floor carry"} {
		fmt.Printf("   %-14s", what)
		each := func(n int) float64 { return at[n].of(what) / float64(n) * 1000 }
		for _, n := range sizes {
			fmt.Printf(" %6.0f of %-5d", each(n), n)
		}
		first, last := sizes[0], sizes[len(sizes)-1]
		fmt.Printf(" %d : %d %.2f, %d : %d %.2f (wanted: at most 1.2)\n", last, first, each(last)/each(first), last, n, each(last)/each(n))
	}
}

// cpu runs a program and returns the CPU time of it and of what it started, in ms. What it says goes to a file.
func cpu(cmd *exec.Cmd, output string) (float64, error) {
	f, err := os.Create(output)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	cmd.Stdout, cmd.Stderr = f, f
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(output)
		return 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, said[max(0, len(said)-2000):])
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return ms(time.Duration(u.Utime.Nano() + u.Stime.Nano())), nil
}
