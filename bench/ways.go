package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// way is one way to get an answer, as a program of its own.
type way struct {
	name  string
	cmd   []string
	few   bool    // it takes long
	cold  float64 // the most that it may read with nothing in memory, in MiB; 0 if that is not asked
	cpu   times
	rss   int64 // in KiB
	reads []float64
}

// wanted is how dear our way, the first, may be.
type wanted struct {
	way         int
	name, ratio string
	goal        string
	more        bool // the other way is to be the dearer one
}

func itself(how, base, now string, more ...string) []string {
	return append([]string{"/proc/self/exe", "changes", how, base, now}, more...)
}

// compareWays runs all ways in turn, and then those that say so with nothing in memory. The device is the one that is read from.
func compareWays(title, device string, ways []way, runs int, goals []wanted) error {
	for r := range runs + 1 { // the first is to warm up
		for i := range ways {
			w := &ways[i]
			if _, err := exec.LookPath(w.cmd[0]); err != nil || w.few && r > 1 {
				continue
			}
			u, err := w.run()
			if err != nil {
				return err
			}
			if r > 0 {
				w.cpu = append(w.cpu, ms(time.Duration(u.Utime.Nano()+u.Stime.Nano())))
				w.rss = max(w.rss, int64(u.Maxrss)) // 32 bits on some processors
			}
		}
	}
	for i := range ways {
		if w := &ways[i]; w.cold > 0 {
			if err := w.runCold(device); err != nil {
				return err
			}
		}
	}
	fmt.Println(title + ", CPU of the whole process, warm, in ms: median [least]; peak memory; read when cold")
	for _, w := range ways {
		switch {
		case len(w.cpu) == 0:
			fmt.Printf("   %-40s%s is not installed\n", w.name, w.cmd[0])
		case w.cold > 0:
			fmt.Printf("   %-40s%s   %d MiB   %.0f MiB (wanted: at most %.0f)\n", w.name, w.cpu, w.rss>>10, w.reads[0], w.cold)
		default:
			fmt.Printf("   %-40s%s   %d MiB\n", w.name, w.cpu, w.rss>>10)
		}
	}
	for _, g := range goals {
		if len(ways[g.way].cpu) == 0 {
			continue
		}
		middle, least := ways[0].cpu.median()/ways[g.way].cpu.median(), ways[0].cpu.least()/ways[g.way].cpu.least()
		if g.more {
			middle, least = 1/middle, 1/least
		}
		goal := ""
		if g.goal != "" {
			goal = "   (wanted: " + g.goal + ")"
		}
		fmt.Printf("   %-40s%7.2f [%.2f]%s\n", g.ratio+":", middle, least, goal)
	}
	fmt.Println()
	return nil
}

func (w *way) run() (*syscall.Rusage, error) {
	cmd := exec.Command(w.cmd[0], w.cmd[1:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", w.name, err)
	}
	return cmd.ProcessState.SysUsage().(*syscall.Rusage), nil
}

// runCold runs with nothing in memory, and counts what is read from the device meanwhile.
func (w *way) runCold(device string) error {
	syscall.Sync()
	if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("3"), 0); err != nil {
		return err
	}
	before, err := sectors(device)
	if err != nil {
		return err
	}
	if _, err := w.run(); err != nil {
		return err
	}
	after, err := sectors(device)
	w.reads = append(w.reads, (after-before)/2048)
	return err
}

// sectors counts what was ever read from a block device, in units of 512 bytes, see Documentation/block/stat.rst of the kernel.
func sectors(device string) (float64, error) {
	b, err := os.ReadFile(filepath.Join("/sys/class/block", filepath.Base(device), "stat"))
	if err != nil {
		return 0, err
	}
	f := strings.Fields(string(b))
	if len(f) < 3 {
		return 0, fmt.Errorf("no count of sectors of %s", device)
	}
	return strconv.ParseFloat(f[2], 64)
}

// deviceOf is the device that is mounted at a directory.
func deviceOf(top string) (string, error) {
	out, err := exec.Command("findmnt", "-nro", "SOURCE", top).Output()
	name, _, _ := bytes.Cut(bytes.TrimSpace(out), []byte("["))
	return string(name), err
}
