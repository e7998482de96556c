package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"anicca/internal/root"
)

// nested is how many subvolumes lie in an old root, in chains of four.
const nested = 20

// recursion is how shell recipes delete an old root: list what lies in it, call oneself for each, delete.
const recursion = `
drop() {
	btrfs subvolume list -o "$1" | cut -f 9- -d ' ' | while IFS= read -r p; do drop "$top/$p"; done
	btrfs -q subvolume delete "$1" >/dev/null
}
top=$1
drop "$top/$2"
`

// drops measures what it costs to delete an old root with subvolumes in it, as whole processes.
func drops(runs int) error {
	var ours, shell times
	for range runs {
		for _, way := range []*times{&ours, &shell} {
			m, err := newMachine("btrfs", 1000)
			if err != nil {
				return err
			}
			cpu, err := m.dropped(way == &ours)
			m.close()
			if err != nil {
				return err
			}
			*way = append(*way, cpu)
		}
	}
	fmt.Printf("dropping an old root with %d subvolumes in it, CPU of the whole process\n", nested)
	fmt.Printf("   ours                            %s\n", ours)
	fmt.Printf("   shell recursion                 %s\n", shell)
	fmt.Printf("   shell : ours:                   %.1f   (wanted: at least 10)\n", shell.median()/ours.median())
	return nil
}

// dropped makes one old root with subvolumes in it, lets it be deleted, and returns the CPU time of that.
func (m *machine) dropped(ours bool) (float64, error) {
	for i := range nested {
		p := filepath.Join(m.top, "@rootfs", fmt.Sprint("v", i/4))
		for range i % 4 {
			p = filepath.Join(p, "deeper")
		}
		if err := program("btrfs", "-q", "subvolume", "create", p); err != nil {
			return 0, err
		}
	}
	made, err := m.disk.Reset(root.Order{Now: time.Now(), BootID: "bench"})
	if err == nil {
		err = errors.Join(m.disk.Commit(time.Now()), settle(m.top))
	}
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	cmd := exec.Command(self, "drop", m.top)
	if !ours {
		cmd = exec.Command("bash", "-c", recursion, "recursion", m.top, "anicca/archive/"+made.Archive)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(m.top, "anicca/archive", made.Archive)); err == nil {
		return 0, errors.New("the old root is still there")
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return ms(time.Duration(u.Utime.Nano() + u.Stime.Nano())), nil
}

// dropOnly drops the only old root on a filesystem.
func dropOnly(top string) error {
	d, err := root.Open(top)
	if err != nil {
		return err
	}
	defer d.Close()
	old, err := d.Archive()
	if err != nil || len(old) != 1 {
		return errors.Join(err, fmt.Errorf("%d old roots", len(old)))
	}
	return errors.Join(d.Drop(old[0].ID, time.Now()), d.Settle(time.Now()))
}
